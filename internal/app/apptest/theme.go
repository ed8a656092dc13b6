package apptest

import (
	"context"
	"encoding/json"
	"testing"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// The theme that AddTheme loads: "card" first, then "home" and "permit" side by side, then "end".
const (
	Theme        = "OT-0001"
	AgencySocial = "agency-social"
	AgencyPolice = "agency-police"
)

// ThemeSteps returns the steps of the theme.
func ThemeSteps() []theme.Step {
	step := func(key, item, unit string, days int, after ...string) theme.Step {
		return theme.Step{Key: key, Name: text("步骤"+key, "步驟"+key, "Step "+key), Item: item, Department: unit, After: append([]string{}, after...), Days: days}
	}
	return []theme.Step{
		step("card", SocialCard, AgencySocial, 3), step("home", Estate, AgencySocial, 5, "card"),
		step("permit", Residence, AgencyPolice, 2, "card"), step("end", SocialCard, AgencySocial, 1, "home", "permit"),
	}
}

// AddTheme adds a second agency and a theme that the first district's hall accepts in its first queue.
func (f *Fixture) AddTheme(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	it := directory.Item{
		Code: Theme, Department: AgencySocial, Category: directory.ThemeCategory, Line: "social", Name: text("安家一件事", "安家一件事", "Settling in, all in one"),
		Summary: text("一次办好", "一次辦好", "All in one visit"), Keywords: []string{"安家"}, Initials: "ajyjs", Stages: directory.Stages{directory.Acceptance},
		Materials: []directory.Text{text("本人有效身份证件", "本人有效身份證件", "Your identity document"), text("购房合同", "購房合同", "Contract of purchase")}, Minutes: 40,
	}
	if err := f.DB.Update(ctx, func(tx *store.Tx) error {
		for _, step := range []func() error{
			func() error {
				return tx.SaveUnits(ctx, []directory.Unit{{ID: AgencyPolice, ParentID: "440100000000", Kind: directory.Agency, Name: text("示例公安局", "示例公安局", "Sample Police Bureau")}})
			},
			func() error { return tx.SaveItems(ctx, []directory.Item{it}) },
			func() error {
				return tx.SaveOfferings(ctx, []directory.Offering{{HallID: HallA, QueueID: QueueA, ItemCode: Theme, Stages: it.Stages, BatchMax: 1}})
			},
			func() error {
				_, err := tx.SaveTheme(ctx, theme.Theme{Code: Theme, Name: it.Name, Summary: it.Summary, Materials: it.Materials, Steps: ThemeSteps()})
				return err
			},
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.App.Reload(ctx); err != nil {
		t.Fatal(err)
	}
}

// OpenCase opens a case of the theme as an acceptance at a counter does.
func (f *Fixture) OpenCase(t testing.TB, id string, p identity.Person, key identity.Key) {
	t.Helper()
	f.OpenCaseFor(t, id, p, p, key)
}

// OpenCaseFor is OpenCase by somebody with a key for somebody else.
func (f *Fixture) OpenCaseFor(t testing.TB, id string, booker, applicant identity.Person, key identity.Key) {
	t.Helper()
	ctx := context.Background()
	party := func(p identity.Person) booking.Party {
		return booking.Party{Name: p.Name, Document: p.Document, Phone: p.Phone}
	}
	plain, err := json.Marshal(booking.Parties{Booker: party(booker), Applicant: party(applicant)})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.DB.Update(ctx, func(tx *store.Tx) error {
		th, err := tx.Theme(ctx, Theme)
		if err != nil {
			return err
		}
		c := theme.Case{ID: id, HallID: HallA, Ticket: "ticket-" + id, Booker: key, Applicant: key, Sealed: f.Vault.Seal(plain, "one thing|"+id)}
		_, err = tx.AddCase(ctx, theme.OpenCase(tx.Now, th, f.App.Calendar(), c, ""))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
