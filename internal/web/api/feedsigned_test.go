package api_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
)

// signer lets the security role make keys for the connected system.
func (c *connected) signer() *department {
	c.t.Helper()
	d := &department{face: c.face, source: c.source}
	var err error
	if d.sec, err = c.App.Admin(c.t.Context(), c.OpenAdmin(c.t, account.Security, "440100000000").Token); err != nil {
		c.t.Fatal(err)
	}
	return d
}

// scoped gives a key scopes and halls.
func scoped(scopes []oversight.ClientScope, halls ...string) func(*oversight.ClientKey) {
	return func(k *oversight.ClientKey) { k.Scopes, k.Halls = scopes, halls }
}

var styles = []oversight.Profile{oversight.Ed25519, oversight.HMACSHA256, oversight.GatewaySHA256, oversight.GatewaySM3}

// Every operation of the feed takes the system's own signature, in either style, and does the same as with a token.
func TestArt6_TheFeedIsSigned(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		d := c.signer()
		if _, err := c.App.NumberEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.book(c.face.token(apptest.Citizen(650)), c.FreeSlots(apptest.QueueA)[0])
		if _, err := c.App.NumberEvents(t.Context()); err != nil {
			t.Fatal(err)
		}
		yesterday := "2026-11-23"
		for i, p := range styles {
			k := d.newKey(t, p, scoped([]oversight.ClientScope{oversight.ClientFeed, oversight.ClientEvents}))
			post := func(op, path string, body map[string]any) map[string]any {
				t.Helper()
				return c.valid(op, c.do(ask{method: "POST", path: "/sources/" + c.source + path, signer: k, body: body}).want(200, "")).json()
			}
			row := fmt.Sprintf("s%d", i)
			if got := post("send-records", "/records", map[string]any{"records": []any{c.record(row, 1, 700+i), c.record(row, 1, 700+i)}}); got["accepted"] != 1.0 || got["duplicate"] != 1.0 {
				t.Errorf("%s: records %v", p, got)
			}
			exchange := map[string]any{
				"row_guid": "x" + row, "data_source": c.source, "cd_batch": "1", "cd_operation": "I", "cd_time": "2026-11-24 12:58:00", "record_kind": "capacity",
				"happen_time": "2026-11-24 12:57:30", "hall_code": apptest.HallA, "book_date": "2026-12-01", "book_hour": 10, "number": 5,
			}
			if got := post("exchange-rows", "/rows", map[string]any{"rows": []any{exchange}}); got["accepted"] != 1.0 {
				t.Errorf("%s: rows %v", p, got)
			}
			list := map[string]any{"hall": apptest.HallA, "kind": "booking", "count": 0, "digest": feed.Digest(nil)}
			if got := post("reconcile-lists", "/reconcile", map[string]any{"date": yesterday, "lists": []any{list}}); got["lists"].([]any)[0].(map[string]any)["result"] != "same" {
				t.Errorf("%s: lists %v", p, got)
			}
			got := c.valid("list-events", c.do(ask{path: "/sources/" + c.source + "/events?after=0&limit=5", signer: k}).want(200, "")).json()
			if len(got["events"].([]any)) != 1 {
				t.Errorf("%s: events %v", p, got)
			}
			if err := c.App.EndClientKey(t.Context(), d.sec, c.source, k.ID, "换新"); err != nil {
				t.Fatal(err)
			}
			c.do(ask{path: "/sources/" + c.source + "/events", signer: k}).want(401, "signature_key_not_in_force")
		}
		c.healthy()
	})
}

// What a key is not for is refused with a code, and nothing is written of it.
func TestArt6_ASignedFeedIsForItsScopesAndHalls(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		d := c.signer()
		other := c.connect(oversight.RecordKinds)
		read := d.newKey(t, oversight.HMACSHA256, nil)
		events := d.newKey(t, oversight.HMACSM3, scoped([]oversight.ClientScope{oversight.ClientEvents}))
		send := d.newKey(t, oversight.GatewaySHA256, scoped([]oversight.ClientScope{oversight.ClientFeed}))
		list := map[string]any{"hall": apptest.HallA, "kind": "booking", "count": 0, "digest": feed.Digest(nil)}
		operations := []struct {
			path string
			body map[string]any
			good *sign.Key
		}{
			{"/records", map[string]any{"records": []any{c.record("b1", 1, 701)}}, send},
			{"/rows", map[string]any{"rows": []any{map[string]any{"row_guid": "x"}}}, send},
			{"/reconcile", map[string]any{"date": "2026-11-23", "lists": []any{list}}, send},
			{"/events", nil, events},
		}
		nothingWritten := func(act func()) {
			t.Helper()
			before := c.Rows(t)
			act()
			for table, n := range c.Rows(t) {
				// A request that is signed well is counted, and a batch takes its turn, whatever is in it.
				if n != before[table] && table != "client_nonce" && table != "client_use" && table != "feed" {
					t.Errorf("%s: %d rows, then %d", table, before[table], n)
				}
			}
		}
		nothingWritten(func() {
			for _, o := range operations {
				ask := func(source string, k *sign.Key, status int, code string) reply {
					t.Helper()
					a := ask{path: "/sources/" + source + o.path, signer: k}
					if o.body != nil {
						a.method, a.body = "POST", o.body
					}
					return c.do(a).want(status, code)
				}
				for _, k := range []*sign.Key{read, events, send} {
					if k != o.good {
						ask(c.source, k, 403, "not_allowed")
					}
				}
				ask(other, o.good, 404, "source_not_found") // a key speaks for its own system
				ask("S9999", o.good, 404, "source_not_found")
			}
		})
		// The system has two halls, its keys are for one.
		all, err := c.App.ConnectSource(t.Context(), c.As(t, c.district), apptest.DistrictA, oversight.Source{Name: "自建系统二", Kinds: oversight.RecordKinds, Delay: 900e9, Silence: 7200e9})
		if err != nil {
			t.Fatal(err)
		}
		d.source = all
		halls := c.App.City().HallsOf(apptest.DistrictA)
		var away string
		for _, h := range halls {
			if h.ID != apptest.HallA {
				away = h.ID
			}
		}
		if away == "" {
			t.Fatal("the district has one hall only")
		}
		few := d.newKey(t, oversight.Ed25519, scoped([]oversight.ClientScope{oversight.ClientFeed, oversight.ClientEvents}, apptest.HallA))
		nothingWritten(func() {
			r := c.do(ask{method: "POST", path: "/sources/" + all + "/records", signer: few, body: map[string]any{"records": []any{c.record("z1", 1, 702, "hall", away)}}}).want(200, "").json()
			if one := r["records"].([]any)[0].(map[string]any); wrong(one) != "hall not_one_of" {
				t.Errorf("a hall the key is not for: %v", one)
			}
			l := maps.Clone(list)
			l["hall"] = away
			c.do(ask{method: "POST", path: "/sources/" + all + "/reconcile", signer: few, body: map[string]any{"date": "2026-11-23", "lists": []any{l}}}).want(404, "hall_not_found")
		})
		c.healthy()
	})
}

// A signed body may hold as much as the operation allows, and no more; what was changed on the way is refused.
func TestArt6_ASignedBatchMayBeAsLargeAsAnyOther(t *testing.T) {
	c := newConnected(t, apptest.Options{})
	d := c.signer()
	k := d.newKey(t, oversight.HMACSHA256, scoped([]oversight.ClientScope{oversight.ClientFeed}))
	var many []any
	for i := range 500 {
		many = append(many, c.record(fmt.Sprintf("b%04d", i), 1, 1000+i))
	}
	body := map[string]any{"records": many}
	path := "/sources/" + c.source + "/records"
	if got := c.do(ask{method: "POST", path: path, signer: k, body: body}).want(200, "").json(); got["accepted"] != 500.0 {
		t.Errorf("accepted %v of 500", got["accepted"])
	}
	c.do(ask{method: "POST", path: path, signer: k, body: `{"records":["` + strings.Repeat("x", 512<<10) + `"]}`}).want(413, "body_too_large")
	c.do(ask{method: "POST", path: path, signer: k, body: body, header: map[string]string{"Content-Digest": sign.Digest([]byte("{}"))}}).want(401, "signature_digest_wrong")
	few := d.newKey(t, oversight.GatewaySM3, func(k *oversight.ClientKey) {
		k.Scopes, k.PerMinute = []oversight.ClientScope{oversight.ClientFeed}, 1
	})
	one := map[string]any{"records": []any{c.record("c1", 1, 900)}}
	c.do(ask{method: "POST", path: path, signer: few, body: one}).want(200, "")
	if r := c.do(ask{method: "POST", path: path, signer: few, body: one}).want(429, "quota_used_up"); r.Header().Get("Retry-After") == "" {
		t.Error("when to come again is not said")
	}
}
