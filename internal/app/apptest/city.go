package apptest

import (
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
)

// Codes of the items of the city.
const (
	SocialCard = "SI-0001" // every hall, three stages
	Estate     = "RE-0001" // district halls, batches of up to 5
	Residence  = "EE-0001" // foreigner-related, district and city halls
	Passport   = "EE-0002" // city hall only, has an on-line way
)

// Ids of units, halls and queues of the city.
const (
	DistrictA = "440103000000"
	DistrictB = "440104000000"
	StreetA   = "440103001000"
	VillageA  = "440103001001"

	HallCity    = "440100000000-1"
	HallA       = DistrictA
	HallB       = DistrictB
	HallStreet  = StreetA
	HallVillage = VillageA

	QueueA       = HallA + "-social"
	QueueAEstate = HallA + "-estate"
	QueueBEstate = HallB + "-estate"
	QueueAEntry  = HallA + "-entry"
	QueueB       = HallB + "-social"
	QueueStreet  = HallStreet + "-general"
)

func text(hans, hant, en string) directory.Text {
	return directory.Text{Hans: hans, Hant: hant, En: en}
}

func units() []directory.Unit {
	return []directory.Unit{
		{ID: "440100000000", Kind: directory.Platform, Name: text("示例市", "示例市", "Sample City")},
		{ID: "agency-social", ParentID: "440100000000", Kind: directory.Agency, Name: text("示例社保局", "示例社保局", "Sample Social Insurance Bureau")},
		{ID: DistrictA, ParentID: "440100000000", Kind: directory.District, Name: text("甲区", "甲區", "District A")},
		{ID: DistrictB, ParentID: "440100000000", Kind: directory.District, Name: text("乙区", "乙區", "District B")},
		{ID: StreetA, ParentID: DistrictA, Kind: directory.Street, Name: text("甲一街", "甲一街", "Street A1")},
		{ID: VillageA, ParentID: StreetA, Kind: directory.Village, Name: text("甲一社区", "甲一社區", "Community A1")},
	}
}

func halls() []directory.Hall {
	hall := func(n int, id, unit string, level directory.HallLevel, district, street string, name directory.Text, lat float64) directory.Hall {
		east := 113.26
		if lat == 0 { // not known where
			east = 0
		}
		return directory.Hall{
			ID: id, Number: n, UnitID: unit, Level: level, DistrictID: district, StreetID: street, Name: name, Initials: "zwzx",
			Address: text("示例路 1 号", "示例路 1 號", "1 Sample Road"), Phone: "020-12345", Latitude: lat, Longitude: east, Open: true,
		}
	}
	return []directory.Hall{
		hall(1, HallCity, "agency-social", directory.CityHall, "", "", text("市出入境大厅", "市出入境大廳", "City Entry-Exit Hall"), 23.12),
		hall(2, HallA, DistrictA, directory.DistrictHall, DistrictA, "", text("甲区政务服务中心", "甲區政務服務中心", "District A Hall"), 23.13),
		hall(3, HallB, DistrictB, directory.DistrictHall, DistrictB, "", text("乙区政务服务中心", "乙區政務服務中心", "District B Hall"), 23.20),
		hall(4, HallStreet, StreetA, directory.StreetHall, DistrictA, StreetA, text("甲一街政务服务中心", "甲一街政務服務中心", "Street A1 Hall"), 23.14),
		hall(5, HallVillage, VillageA, directory.VillageHall, DistrictA, StreetA, text("甲一社区服务站", "甲一社區服務站", "Community A1 Station"), 0),
	}
}

func queues() []directory.Queue {
	queue := func(hall, line string, daily int) directory.Queue {
		return directory.Queue{
			ID: hall + "-" + line, HallID: hall, Line: line, Name: text("综合业务", "綜合業務", "General business"),
			Week:         calendar.Week{Work: calendar.HoursOf(9, 10, 11, 13, 14, 15, 16)},
			DailyAverage: daily, AverageSource: "filed", OnSitePerMille: 100, Open: true,
		}
	}
	return []directory.Queue{
		queue(HallCity, "entry", 70), queue(HallA, "social", 70), queue(HallA, "estate", 70), queue(HallA, "entry", 70),
		queue(HallB, "social", 70), queue(HallB, "estate", 70), queue(HallB, "entry", 70),
		queue(HallStreet, "general", 7), queue(HallVillage, "general", 7),
	}
}

// Counters of the first district's hall: each serves every queue of it but the last, which has entry alone.
var Counters = []string{"w1", "w2", "w3"}

func counters() (out []directory.Counter) {
	for i, id := range Counters {
		c := directory.Counter{HallID: HallA, ID: id, Label: string(rune('1'+i)) + " 号窗口", Queues: []string{QueueAEntry}, Open: true}
		if i < 2 {
			c.Queues = []string{QueueA, QueueAEstate, QueueAEntry}
		}
		out = append(out, c)
	}
	return out
}

func items() []directory.Item {
	all := directory.Stages{directory.Consultation, directory.Acceptance, directory.Collection}
	return []directory.Item{
		{Code: SocialCard, Department: "agency-social", Category: "social", Line: "social", Name: text("社会保障卡申领", "社會保障卡申領", "Apply for a social security card"),
			Summary: text("首次申领社会保障卡", "首次申領社會保障卡", "First application for a social security card"), Keywords: []string{"社保卡"}, Initials: "shbzksl", Stages: all,
			Materials: []directory.Text{text("本人有效身份证件", "本人有效身份證件", "Your identity document")}, Minutes: 15, Popular: 1},
		{Code: Estate, Department: "agency-social", Category: "housing", Line: "estate", Name: text("不动产转移登记", "不動產轉移登記", "Register a transfer of real estate"),
			Keywords: []string{"过户"}, Initials: "bdczydj", Stages: all[1:], Minutes: 30, Popular: 2},
		{Code: Residence, Department: "agency-social", Category: "entry", Line: "entry", Name: text("外国人居留许可", "外國人居留許可", "Residence permit for foreigners"),
			Keywords: []string{"residence permit"}, Initials: "wgrjlxk", Stages: all[1:], Foreigner: true, Minutes: 20, Popular: 3},
		{Code: Passport, Department: "agency-social", Category: "entry", Line: "entry", Name: text("普通护照换发", "普通護照換發", "Renew a passport"),
			Keywords: []string{"护照"}, Initials: "pthzhf", Stages: all[1:], OnlineURL: "https://example.org/passport", OnlineName: text("网上办理", "網上辦理", "Apply online"), Minutes: 10},
	}
}

func offerings() []directory.Offering {
	all := directory.Stages{directory.Consultation, directory.Acceptance, directory.Collection}
	offer := func(hall, line, item string, batch int, stages directory.Stages) directory.Offering {
		return directory.Offering{HallID: hall, QueueID: hall + "-" + line, ItemCode: item, Stages: stages, BatchMax: batch}
	}
	return []directory.Offering{
		offer(HallA, "social", SocialCard, 1, all), offer(HallB, "social", SocialCard, 1, all),
		offer(HallStreet, "general", SocialCard, 1, all), offer(HallVillage, "general", SocialCard, 1, all[:1]),
		offer(HallA, "estate", Estate, 5, all[1:]), offer(HallB, "estate", Estate, 5, all[1:]),
		offer(HallCity, "entry", Residence, 1, all[1:]), offer(HallA, "entry", Residence, 1, all[1:]), offer(HallB, "entry", Residence, 1, all[1:]),
		offer(HallCity, "entry", Passport, 1, all[1:]),
	}
}

// The people of the city. Nobody can have their documents.

// Citizen is a resident of level 3; each serial is somebody else.
func Citizen(serial int) identity.Person {
	birth := calendar.MakeDate(1980, 1, 1) + calendar.Date(serial/1000)
	return identity.Person{
		Name: "陈示例", Document: identity.SyntheticResident(identity.SyntheticArea, birth, serial), Phone: "13800000000", Level: identity.Matched,
	}
}

// HongKong, Permanent, LowLevel and Agent are the other kinds the identity platform knows.
func HongKong() identity.Person {
	return identity.Person{Name: "林示例", Document: identity.Document{Kind: identity.HKMacauPermit, Number: "H00000001"}, Phone: "13800000001", Level: identity.Matched}
}

func Permanent() identity.Person {
	return identity.Person{Name: "SAMPLE ANNA", Document: identity.Document{Kind: identity.ForeignPermanent, Number: "XXX000080010101"}, Phone: "13800000002", Level: identity.Matched}
}

func LowLevel() identity.Person {
	p := Citizen(901)
	p.Level = identity.Declared
	return p
}

func Agent() identity.Person {
	p := Citizen(902)
	p.Level = identity.Verified
	p.Agent = []identity.Organisation{{CreditCode: identity.SyntheticCreditCode("000000", 1), Name: "示例有限公司"}}
	return p
}

// Visitor is a foreigner with a travel document, signed in locally (Art. 12).
func Visitor() identity.Person {
	return identity.Person{
		Name: "SAMPLE PAUL", Document: identity.Document{Kind: identity.Passport, Number: "X0000001", Nationality: "FRA"},
		Birth: "1985-06-07", Phone: "13800000003", Level: identity.Visitor,
	}
}
