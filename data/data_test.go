package data_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"suiyue/data"
	"suiyue/internal/domain/directory"
)

func shipped(t testing.TB) map[string]io.Reader {
	t.Helper()
	files := map[string]io.Reader{}
	for _, name := range directory.FileNames() {
		b, err := data.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = bytes.NewReader(b)
	}
	return files
}

func city(t testing.TB) directory.City {
	t.Helper()
	c, faults := directory.Build(shipped(t))
	for _, f := range faults {
		t.Errorf("%s:%d %s: %s", f.File, f.Line, f.Column, f.Code)
	}
	if t.Failed() {
		t.FailNow()
	}
	return c
}

func TestTheCityIsWhole(t *testing.T) {
	c := city(t)
	units, halls, queues := map[directory.UnitKind]int{}, map[directory.HallLevel]int{}, map[string]int{}
	kind := map[string]directory.UnitKind{}
	for _, u := range c.Units {
		units[u.Kind]++
		kind[u.ID] = u.Kind
	}
	level := map[string]directory.HallLevel{}
	for _, h := range c.Halls {
		halls[h.Level]++
		level[h.ID] = h.Level
		if kind[h.UnitID] == directory.Pseudo {
			t.Errorf("%s: a hall where there is no town or street", h.ID)
		}
	}
	for _, q := range c.Queues {
		queues[q.HallID]++
	}
	for k, want := range map[directory.UnitKind]int{directory.Platform: 1, directory.Agency: 16, directory.District: 11,
		directory.Street: 176, directory.Pseudo: 2, directory.Village: 2851} {
		if units[k] != want {
			t.Errorf("%d units of kind %s, want %d", units[k], k, want)
		}
	}
	for l, want := range map[directory.HallLevel]int{directory.CityHall: 6, directory.DistrictHall: 11, directory.StreetHall: 176, directory.VillageHall: 2851} {
		if halls[l] != want {
			t.Errorf("%d halls of level %s, want %d", halls[l], l, want)
		}
	}
	for id, l := range level {
		want := map[directory.HallLevel]int{directory.DistrictHall: 10, directory.StreetHall: 3, directory.VillageHall: 1}[l]
		if want > 0 && queues[id] != want || queues[id] == 0 {
			t.Errorf("hall %s has %d queues", id, queues[id])
		}
	}
}

func TestEveryItemCanBeDoneSomewhere(t *testing.T) {
	c := city(t)
	if len(c.Items) < 70 {
		t.Errorf("%d items", len(c.Items))
	}
	level, offered := map[string]directory.HallLevel{}, map[string]map[directory.HallLevel]bool{}
	for _, h := range c.Halls {
		level[h.ID] = h.Level
	}
	once := map[[2]string]bool{}
	for _, o := range c.Offerings {
		if offered[o.ItemCode] == nil {
			offered[o.ItemCode] = map[directory.HallLevel]bool{}
		}
		offered[o.ItemCode][level[o.HallID]] = true
		if k := [2]string{o.HallID, o.ItemCode}; once[k] {
			t.Errorf("%s offered twice at %s", o.ItemCode, o.HallID)
		} else {
			once[k] = true
		}
	}
	for _, it := range c.Items {
		texts := append([]directory.Text{it.Name, it.Summary}, it.Materials...)
		for _, x := range texts {
			if x.Hans == "" || x.Hant == "" || x.En == "" || utf8.RuneCountInString(x.Hans) != utf8.RuneCountInString(x.Hant) {
				t.Errorf("%s: a text is not there in all three languages", it.Code)
			}
		}
		if len(it.Materials) == 0 || it.Department == "" || len(it.Keywords) < 2 {
			t.Errorf("%s: incomplete", it.Code)
		}
		for _, l := range it.Levels {
			if !offered[it.Code][l] {
				t.Errorf("%s: no hall of level %s offers it", it.Code, l)
			}
		}
	}
}

func TestSecondReadingChangesNothing(t *testing.T) {
	a, b := city(t), city(t)
	directory.AssignNumbers(nil, a.Halls) // as if stored before
	if ch := directory.Diff(a, b); !ch.Empty() {
		t.Errorf("the same files differ")
	}
	if ch := directory.Diff(directory.City{}, b); len(ch.Halls.Added) != len(b.Halls) || len(ch.Offerings.Added) != len(b.Offerings) {
		t.Errorf("a first import adds everything")
	}
}

func TestFilesStayModest(t *testing.T) {
	for _, name := range directory.FileNames() {
		b, err := data.Files.ReadFile(name)
		if err != nil || len(b) > 1<<20 || !utf8.Valid(b) || !strings.HasSuffix(string(b), "\n") {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

func TestSearchFindsWhatPeopleAskFor(t *testing.T) {
	x := directory.NewIndex(city(t).Items)
	for query, want := range map[string]string{
		"社保卡丢了": "SI-01", "sbk": "SI-01", "SBK": "SI-01", "社保卡": "SI-01", "社會保障卡": "SI-01", "社保卡怎么补办": "SI-01",
		"補領身份證": "ID-01", "身份证": "ID-01", "身份證丟了": "ID-01", "sfz": "ID-01", "id card": "ID-01", "我想补办身份证": "ID-01", "临时身份证": "ID-03", "臨時身份證": "ID-03",
		"house": "RE-01", "过户": "RE-01", "二手房": "RE-01", "房产证": "RE-02", "mortgage": "RE-03", "无房证明": "RE-05", "inheritance": "RE-07",
		"护照": "EE-01", "護照": "EE-01", "passport": "EE-01", "Ｐａｓｓｐｏｒｔ": "EE-01", "hz": "EE-01", "去香港": "EE-02", "签注": "EE-03", "visa": "FR-01", "visa extension": "FR-01",
		"foreigner residence permit": "FR-02", "work permit": "EM-06", "green card": "FR-04", "住宿登記": "FR-03",
		"公积金": "PF-01", "gjj": "PF-01", "租房提取": "PF-02", "公积金贷款怎么办": "PF-03",
		"结婚": "MA-01", "結婚證": "MA-01", "离婚": "MA-02", "marry foreigner": "MA-03", "领养": "MA-05", "新生儿入户": "HH-01", "迁户口": "HH-02", "改名": "HH-05",
		"居住证": "RP-01", "居住證": "RP-01", "jzz": "RP-01", "居住证续签": "RP-02", "失业金": "EM-01", "退休": "SI-06", "工伤": "SI-09", "报销医药费": "MI-02", "異地就醫": "MI-03",
		"个税": "TX-01", "开发票": "TX-02", "开公司": "CO-01", "注销公司": "CO-03", "开餐馆": "CO-05", "restaurant": "CO-05",
		"驾照": "TR-01", "駕照到期": "TR-01", "二手车": "TR-03", "driving": "TR-01", "老人津贴": "WE-01", "残疾证": "WE-03", "低保": "WE-02",
		"小学报名": "ED-01", "法律援助": "LE-01", "加装电梯": "HO-03", "公租房": "HO-01", "": "SI-01",
	} {
		hits := x.Search(query, 5)
		if len(hits) == 0 || hits[0].Code != want {
			t.Errorf("%q: %v, want %s first", query, hits, want)
		}
	}
	for _, query := range []string{"qqqqqq", "zzz zzz", "😀", "蟾蜍", strings.Repeat("长", 5000)} {
		for _, h := range x.Search(query, 5) {
			if h.Score >= 800 {
				t.Errorf("nonsense %.20q found %v", query, h)
			}
		}
	}
	if got := x.Search("", 8); len(got) != 8 || len(x.Search("社", 3)) != 3 || x.Search("社", 0) != nil {
		t.Errorf("limits: %v", got)
	}
}

func TestSearchFindsHalls(t *testing.T) {
	x := directory.NewHallIndex(city(t).Halls)
	for query, want := range map[string]string{
		"天河区": "440106000000", "天河區政務": "440106000000", "thq": "440106000000", "五山街道": "440106001000", "wsjd": "440106001000",
		"Wushan": "440106001000", "panyu": "440113000000", "三元里街道": "440111002000", "出入境": "440100000000-01",
	} {
		hits := x.Search(query, 5)
		if len(hits) == 0 || hits[0].Code != want {
			t.Errorf("%q: %v, want %s first", query, hits, want)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	x := directory.NewIndex(city(b).Items)
	for _, q := range []string{"社保卡丢了怎么补办", "sbk", "foreigner residence permit", "蟾蜍在哪里办理呢"} {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				x.Search(q, 8)
			}
		})
	}
}
