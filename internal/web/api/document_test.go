package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// The document is a promise to others: a change of it is seen in the change of this file.
func TestTheDocumentIsTheCommittedOne(t *testing.T) {
	f := newFace(t, nil)
	if *update {
		if err := os.WriteFile("openapi.json", f.api.Document(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, f.api.Document()) {
		t.Error("the document differs from openapi.json; if that is meant, run: go test ./internal/web/api -run TestTheDocument -update")
	}
	served := f.do(ask{path: "/openapi.json"}).want(200, "")
	if !bytes.Equal(served.Body.Bytes(), kept) {
		t.Error("another document is served")
	}
	f.do(ask{path: "/openapi.json", header: map[string]string{"If-None-Match": served.Header().Get("ETag")}}).want(304, "")
	if y := f.do(ask{path: "/openapi.yaml"}).want(200, ""); !strings.Contains(y.Body.String(), "openapi: 3.1.0") {
		t.Error("no YAML")
	}
}

func TestTheDocumentIsWhole(t *testing.T) {
	f := newFace(t, nil)
	var doc struct {
		OpenAPI    string                               `json:"openapi"`
		Paths      map[string]map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(f.api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	count := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			count++
			if op["operationId"] == "" || op["summary"] == "" || strings.Contains(op["summary"].(string), "⟦") {
				t.Errorf("%s %s has no id or summary", method, path)
			}
			for status, r := range op["responses"].(map[string]any) {
				if status < "400" {
					continue
				}
				for code := range strings.SplitSeq(r.(map[string]any)["description"].(string), ", ") {
					if _, ok := fault.KindOf(fault.Code(code)); !ok {
						t.Errorf("%s %s: %s names no code: %s", method, path, status, code)
					}
				}
			}
		}
	}
	if count != 119 {
		t.Errorf("%d operations", count)
	}
	// Every reference leads somewhere.
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
					t.Errorf("nothing at %s", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	var all any
	if err := json.Unmarshal(f.api.Document(), &all); err != nil {
		t.Fatal(err)
	}
	walk(all)
}

func TestReferenceInEveryLanguage(t *testing.T) {
	f := newFace(t, nil)
	for _, l := range web.Locales {
		h := map[string]string{"Accept-Language": string(l)}
		r := f.do(ask{path: "/api/", header: h}).want(200, "")
		body := r.Body.String()
		if strings.Contains(body, "⟦") || strings.Contains(body, "{at}") {
			t.Errorf("%s: a sentence is missing", l)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "style=") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("%s: the page needs more than the content policy allows", l)
		}
		for _, c := range fault.Codes() {
			if !strings.Contains(body, `"/problems/`+string(c)+`"`) {
				t.Errorf("%s: %s is not explained", l, c)
			}
			p := f.do(ask{path: "/problems/" + string(c), header: h}).want(200, "")
			if strings.Contains(p.Body.String(), "⟦") || !strings.Contains(p.Body.String(), string(c)) {
				t.Errorf("%s: page of %s", l, c)
			}
		}
		for _, op := range []string{"book", "get-availability", "keep-person"} {
			if !strings.Contains(body, `id="`+op+`"`) {
				t.Errorf("%s: %s is not explained", l, op)
			}
		}
	}
	f.do(ask{path: "/problems/none_such", header: map[string]string{"Accept": "application/json"}}).want(404, "no_such_page")
	f.do(ask{path: "/nothing/here"}).want(404, "no_such_page")
	r := f.do(ask{method: "PUT", path: "/bookings"}).want(405, "method_not_allowed")
	if allow := strings.Split(r.Header().Get("Allow"), ", "); !slices.Contains(allow, "POST") {
		t.Errorf("Allow: %v", allow)
	}
}
