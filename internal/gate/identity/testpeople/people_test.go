package testpeople

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/identity"
)

func TestPeopleAreWholeAndDifferent(t *testing.T) {
	for name, people := range map[string][]Person{"page": All(), "load": Many(3000)} {
		ids, numbers, phones := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, p := range people {
			if ids[p.ID] || numbers[p.Document.Number] || phones[p.Phone] {
				t.Errorf("%s: %s is there twice", name, p.ID)
			}
			ids[p.ID], numbers[p.Document.Number], phones[p.Phone] = true, true, true
			shown := slices.Sorted(maps.Keys(p.Shown))
			if !slices.Equal(shown, []string{"en", "zh-Hans", "zh-Hant"}) || p.Name == "" {
				t.Errorf("%s has not all names", p.ID)
			}
			if !strings.HasPrefix(p.Shown["en"], "Test ") || !strings.HasPrefix(p.Shown["zh-Hans"], "测试") || !strings.HasPrefix(p.Shown["zh-Hant"], "測試") {
				t.Errorf("%s does not look like a test person", p.ID)
			}
			if !regexp.MustCompile(`^1990{3}\d{5}$`).MatchString(p.Phone) {
				t.Errorf("%s: phone", p.ID)
			}
			if p.Level < identity.Declared || p.Level > identity.Strong {
				t.Errorf("%s: level %d", p.ID, p.Level)
			}
			if !slices.Contains(Groups(), p.Group) {
				t.Errorf("%s: group %q", p.ID, p.Group)
			}
		}
	}
}

func TestEveryKindIsThere(t *testing.T) {
	people := All()
	for id, want := range map[string]struct {
		kind   identity.DocumentKind
		length int
		level  identity.Level
		orgs   int
	}{
		"citizen-1":         {identity.ResidentID, 18, identity.Verified, 0},
		"level-3":           {identity.ResidentID, 18, identity.Matched, 0},
		"level-2":           {identity.ResidentID, 18, identity.Declared, 0},
		"elder":             {identity.ResidentID, 18, identity.Verified, 0},
		"hong-kong":         {identity.HKMacauPermit, 9, identity.Verified, 0},
		"hong-kong-card":    {identity.ResidentID, 18, identity.Verified, 0},
		"taiwan":            {identity.TaiwanPermit, 8, identity.Verified, 0},
		"foreign-card-2023": {identity.ForeignPermanent, 18, identity.Verified, 0},
		"foreign-card-2017": {identity.ForeignPermanent, 15, identity.Verified, 0},
		"agent":             {identity.ResidentID, 18, identity.Verified, 2},
	} {
		p, ok := Find(people, id)
		if !ok || p.Document.Kind != want.kind || len(p.Document.Number) != want.length || p.Level != want.level || len(p.Organisations) != want.orgs {
			t.Errorf("%s is not as wanted", id)
		}
	}
	if _, ok := Find(people, "nobody"); ok {
		t.Error("somebody was found for nobody")
	}
}

func TestTickets(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	tickets := NewTickets[int](time.Minute, func() time.Time { return now })
	id := tickets.Issue(7)
	if v, ok := tickets.Look(id); !ok || v != 7 {
		t.Error("not held")
	}
	if v, ok := tickets.Take(id); !ok || v != 7 {
		t.Error("not given")
	}
	if _, ok := tickets.Take(id); ok {
		t.Error("given twice")
	}
	id = tickets.Issue(8)
	tickets.Drop(id)
	if _, ok := tickets.Look(id); ok {
		t.Error("held after it was dropped")
	}
	id = tickets.Issue(9)
	now = now.Add(time.Minute)
	if _, ok := tickets.Look(id); ok {
		t.Error("held after its time")
	}
	tickets.Issue(10)
	if len(tickets.held) != 1 || len(tickets.order) != 1 {
		t.Errorf("%d held, %d in order after all but one were over", len(tickets.held), len(tickets.order))
	}
	first := tickets.Issue(11)
	for range maxTickets {
		tickets.Issue(12)
	}
	if _, ok := tickets.Look(first); ok || len(tickets.held) > maxTickets {
		t.Errorf("%d held", len(tickets.held))
	}
}

// The computed characters against the standards' own examples.
func TestCheckCharacters(t *testing.T) {
	for _, number := range []string{"11010519491231002X", "440524188001010014"} {
		if got := checked(number[:17]); got != number {
			t.Errorf("%s, want %s", got, number)
		}
	}
	for _, code := range []string{"91350100M000100Y43", "11440100696927671X"} {
		if got := checkedCredit(code[:17]); got != code {
			t.Errorf("%s, want %s", got, code)
		}
	}
}
