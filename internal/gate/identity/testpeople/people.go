// Package testpeople holds the test persons of the development identity providers and the page on
// which one is chosen. Nobody here exists: names say so, numbers carry right check digits and are
// computed, phones are a plain row of one unassigned block.
package testpeople

import (
	"fmt"
	"slices"

	"suiyue/internal/domain/identity"
)

// Group is a kind of test person, in the order of the page.
type Group string

const (
	Citizen Group = "citizen"
	Low     Group = "low" // levels below 4
	Elder   Group = "elder"
	HKMT    Group = "hkmt"
	Foreign Group = "foreign"
	Agent   Group = "agent"
)

// Groups lists the groups in the order of the page.
func Groups() []Group { return []Group{Citizen, Low, Elder, HKMT, Foreign, Agent} }

// Person is one test person. Name is what the provider vouches for, as on the document; Shown is
// what the page calls them, by language (zh-Hans, zh-Hant, en).
type Person struct {
	ID            string // stable, e.g. "citizen-1"; also the subject
	Group         Group
	Name          string
	Shown         map[string]string
	Document      identity.Document
	Phone         string
	Level         identity.Level
	Organisations []identity.Organisation
}

// digits are the Chinese numerals of the names.
var digits = []string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"}

// All gives the test persons, some of every kind, the same at every call.
func All() []Person {
	var out []Person
	add := func(p Person) {
		p.Phone = Phone(len(out) + 1)
		out = append(out, p)
	}
	names := func(hans, hant, en string, n int) map[string]string {
		return map[string]string{
			"zh-Hans": hans + digits[n], "zh-Hant": hant + digits[n], "en": fmt.Sprintf("%s %d", en, n),
		}
	}
	person := func(id string, g Group, level identity.Level, doc identity.Document, shown map[string]string) Person {
		return Person{ID: id, Group: g, Name: shown["zh-Hans"], Shown: shown, Document: doc, Level: level}
	}
	for n := 1; n <= 6; n++ {
		add(person(fmt.Sprintf("citizen-%d", n), Citizen, identity.Verified,
			resident("440103", fmt.Sprintf("19%d0%02d15", 7+n%3, n), n), names("测试市民", "測試市民", "Test Citizen", n)))
	}
	add(person("citizen-strong", Citizen, identity.Strong, resident("440104", "19880808", 7),
		names("测试五级市民", "測試五級市民", "Test Level-5 Citizen", 1)))
	add(person("level-3", Low, identity.Matched, resident("440105", "19910303", 8),
		names("测试三级市民", "測試三級市民", "Test Level-3 Citizen", 1)))
	add(person("level-2", Low, identity.Declared, resident("440106", "19920202", 9),
		names("测试二级市民", "測試二級市民", "Test Level-2 Citizen", 1)))
	add(person("elder", Elder, identity.Verified, resident("440111", "19560110", 10),
		names("测试长者", "測試長者", "Test Elder", 1)))
	add(person("hong-kong", HKMT, identity.Verified, identity.Document{Kind: identity.HKMacauPermit, Number: "H00000001"},
		names("测试香港居民", "測試香港居民", "Test Hong Kong Resident", 1)))
	add(person("hong-kong-card", HKMT, identity.Verified, resident("810000", "19850505", 11),
		names("测试香港居民", "測試香港居民", "Test Hong Kong Resident", 2)))
	add(person("taiwan", HKMT, identity.Verified, identity.Document{Kind: identity.TaiwanPermit, Number: "00000001"},
		names("测试台湾居民", "測試台灣居民", "Test Taiwan Resident", 1)))

	card := person("foreign-card-2023", Foreign, identity.Verified, permanent("944840", "19860606", 1),
		names("测试永久居留外国人", "測試永久居留外國人", "Test Permanent Resident", 1))
	card.Name = "TEST PERMANENT RESIDENT ONE"
	add(card)
	card = person("foreign-card-2017", Foreign, identity.Verified,
		identity.Document{Kind: identity.ForeignPermanent, Number: "XXX440086060601"},
		names("测试永久居留外国人", "測試永久居留外國人", "Test Permanent Resident", 2))
	card.Name = "TEST PERMANENT RESIDENT TWO"
	add(card)

	agent := person("agent", Agent, identity.Verified, resident("440112", "19830909", 12),
		names("测试经办人", "測試經辦人", "Test Agent", 1))
	agent.Organisations = []identity.Organisation{
		{CreditCode: creditCode("91440101", 1), Name: "测试企业一"},
		{CreditCode: creditCode("52440100", 2), Name: "测试社会组织二"},
	}
	add(agent)
	return out
}

// Many gives All and then more ordinary citizens until there are n, for load tools.
func Many(n int) []Person {
	out := All()
	for i := len(out) + 1; len(out) < n; i++ {
		name := fmt.Sprintf("测试市民%d号", i)
		out = append(out, Person{
			ID: fmt.Sprintf("load-%d", i), Group: Citizen, Name: name,
			Shown: map[string]string{
				"zh-Hans": name, "zh-Hant": fmt.Sprintf("測試市民%d號", i), "en": fmt.Sprintf("Test Citizen No. %d", i),
			},
			Document: resident("440103", loadBirth(i), i%1000), Phone: Phone(i), Level: identity.Verified,
		})
	}
	return out
}

// Find gives the person of an id.
func Find(people []Person, id string) (Person, bool) {
	i := slices.IndexFunc(people, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return people[i], true
}

// Phone gives the nth number of a block in which every subscriber digit before n is zero.
func Phone(n int) string { return fmt.Sprintf("199%08d", n) }
