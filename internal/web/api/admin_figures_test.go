package api_test

import (
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// Art. 21 by program: figures with the formulas they can be recomputed by, within the account's powers.
func TestArt21_FiguresByProgram(t *testing.T) {
	f := newFace(t, nil)
	district := f.program(account.District1, apptest.DistrictA, app.ScopeRead)
	if list := f.do(ask{path: "/admin/figures", token: district}).want(200, "").json()["rows"].([]any); len(list) != 0 {
		t.Errorf("figures before anything is counted: %v", list)
	}
	if _, err := f.App.CountFigures(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	today := calendar.DateOf(f.Clock.Now()).String()
	rows := func(query string) []any {
		t.Helper()
		return f.valid("admin-figures", f.do(ask{path: "/admin/figures" + query, token: district}).want(200, "")).json()["rows"].([]any)
	}
	for _, c := range []struct {
		query  string
		places []string
		parts  bool
	}{
		{"", []string{apptest.DistrictA}, false},
		{"?span=day", []string{apptest.DistrictA}, false},
		{"?span=day&from=2026-11-01&to=" + today, []string{apptest.DistrictA}, false},
		{"?noun=hall&place=" + apptest.HallStreet + "&by=queue&span=day", []string{apptest.HallStreet}, true},
		{"?place=" + apptest.DistrictA + "&below=true", []string{apptest.StreetA, apptest.HallA}, false},
		{"?from=2026-01&to=2026-10", nil, false},
	} {
		got := rows(c.query)
		if len(got) != len(c.places) {
			t.Errorf("%s: %d rows", c.query, len(got))
			continue
		}
		for i, r := range got {
			row := r.(map[string]any)
			counts, values := named(row["counts"], "counter"), named(row["values"], "measure")
			if row["place"] != c.places[i] || (row["parts"] != nil) != c.parts || counts["released"] == nil {
				t.Errorf("%s: %v", c.query, row)
				continue
			}
			if v := values["saturation"]; v["bottom"] != counts["released"]["n"] || v["value"] != 0.0 || v["version"] != 1.0 {
				t.Errorf("%s: saturation %v", c.query, v)
			}
			if none := values["show_rate"]; none["value"] != nil {
				t.Errorf("%s: a rate of nothing: %v", c.query, none)
			}
		}
	}
	for query, code := range map[string]string{
		"?place=" + apptest.DistrictB: "unit_not_found", "?place=440100000000": "unit_not_found", "?place=none": "unit_not_found",
		"?noun=hall&place=" + apptest.HallB: "hall_not_found", "?noun=hall&place=none": "hall_not_found", "?place=" + apptest.DistrictB + "&below=true": "unit_not_found",
	} {
		f.do(ask{path: "/admin/figures" + query, token: district}).want(404, code)
	}
	for _, query := range []string{"?from=x", "?to=2026-11-03", "?span=day&from=2026-11", "?from=2026-12&to=2026-11", "?span=day&from=2020-01-01&to=2026-11-01", "?noun=city", "?by=person", "?span=year"} {
		f.do(ask{path: "/admin/figures" + query, token: district}).want(422, "invalid_request")
	}
	if list := f.valid("admin-measures", f.do(ask{path: "/admin/measures", token: district}).want(200, "")).json()["measures"].([]any); len(list) != len(oversight.Measures) {
		t.Errorf("%d measures", len(list))
	}
}

// named gives the objects of a list by one of their fields.
func named(list any, field string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, one := range list.([]any) {
		o := one.(map[string]any)
		out[o[field].(string)] = o
	}
	return out
}
