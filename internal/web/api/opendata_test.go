package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// Edits of the directory are told page by page, each once, and without who made them.
func TestArt22_EditsOfTheReleaseByProgram(t *testing.T) {
	f := newFace(t, nil)
	for i := range 5 {
		if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
			revision, err := tx.NextRevision(t.Context())
			if err != nil {
				return err
			}
			change := store.DirectoryChange{Noun: directory.OfferingNoun, Key: apptest.HallA + " " + apptest.SocialCard + " " + apptest.QueueA, Hall: apptest.HallA,
				Before: directory.Fields{"item": apptest.SocialCard, "line": "social", "batch_max": fmt.Sprint(i)}, After: directory.Fields{"item": apptest.SocialCard, "line": "social", "batch_max": fmt.Sprint(i + 1)}}
			if i == 2 { // nothing that anybody is told of
				change = store.DirectoryChange{Noun: directory.HallNoun, Key: apptest.HallA, Hall: apptest.HallA, Before: directory.Fields{"phone": "1"}, After: directory.Fields{"phone": "2"}}
			}
			return tx.SaveVersions(t.Context(), revision, "account-1", []store.DirectoryChange{change})
		}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	path := "/directory-changes?limit=2&hall=" + apptest.HallA
	for at := path; at != ""; {
		answer := f.do(ask{path: at}).want(200, "")
		if strings.Contains(answer.Body.String(), "account-1") {
			t.Error("who made them is told")
		}
		page := answer.json()
		for _, e := range page["edits"].([]any) {
			e := e.(map[string]any)
			field := e["fields"].([]any)[0].(map[string]any)
			got = append(got, fmt.Sprint(e["kind"], " ", e["hall"].(map[string]any)["id"], " ", e["reason"], " ", field["field"], " ", field["was"], ">", field["is"]))
			if e["queue"].(map[string]any)["id"] != apptest.QueueA || e["name"] == "" || e["unit"] == nil {
				t.Errorf("where: %v", e)
			}
		}
		at = ""
		if next, more := page["next"].(string); more {
			at = path + "&cursor=" + url.QueryEscape(next)
		}
	}
	want := []string{}
	for _, i := range []int{4, 3, 1, 0} {
		want = append(want, fmt.Sprintf("offering %s edited batch_max %d>%d", apptest.HallA, i, i+1))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	f.do(ask{path: "/directory-changes?hall=none"}).want(404, "hall_not_found")
	f.do(ask{path: "/directory-changes?cursor=x"}).want(400, "cursor_invalid")
	if page := f.do(ask{path: "/directory-changes?hall=" + apptest.HallB}).want(200, "").json(); len(page["edits"].([]any)) != 0 || page["next"] != nil {
		t.Errorf("another hall: %v", page)
	}
}
