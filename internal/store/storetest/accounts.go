package storetest

import (
	"fmt"
	"sync"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// begin is start as it comes back from a database.
var begin = start.UTC()

func admin(n int, r account.Rank, unit, district, street string) store.Account {
	return store.Account{
		Account:  account.Account{ID: fmt.Sprintf("A%06d", n), Rank: r, Unit: unit, State: account.Open, Version: 1, OpenedAt: begin},
		District: district, Street: street, Mobile: fmt.Sprint("mobile-", n), Sealed: []byte{0, 1, 0xff}, Password: "kept", TOTP: []byte{7}, TOTPStep: 3, CreatedAt: begin.Add(time.Duration(n) * time.Minute),
	}
}

func accounts(w *world) {
	one := admin(1, account.District1, "d", "d", "")
	one.Predecessor, one.LockedUntil = "A000000", begin.Add(time.Hour)
	w.update(func(tx *store.Tx) error { return tx.AddAccount(w.ctx, one) })
	read := func(id string) (a *store.Account) {
		w.view(func(tx *store.Tx) (err error) {
			a, err = tx.Account(w.ctx, id)
			return err
		})
		return a
	}
	same(w, "an account", *read(one.ID), one)
	if read("A999999") != nil {
		w.Error("an account that is not there is found")
	}
	for _, mobile := range []string{"mobile-1", ""} {
		err := w.db.Update(w.ctx, func(tx *store.Tx) error {
			two := admin(2, account.District2, "s", "d", "s")
			two.Mobile = mobile
			return tx.AddAccount(w.ctx, two)
		})
		if want := map[string]fault.Code{"mobile-1": fault.AccountTaken}[mobile]; fault.CodeOf(err) != want {
			w.Errorf("another account of mobile %q: %v", mobile, err)
		}
	}
	// Of two who write over the same version one does.
	var saved []bool
	for range 2 {
		w.update(func(tx *store.Tx) error {
			a := one
			a.State, a.ClosedAt, a.Successor, a.TOTP = account.Closed, begin, "A000002", nil
			ok, err := tx.SaveAccount(w.ctx, &a)
			saved = append(saved, ok)
			return err
		})
	}
	if saved[len(saved)-1] || !saved[0] {
		w.Errorf("saved: %v", saved)
	}
	if a := read(one.ID); a.State != account.Closed || a.Version != 2 || a.TOTP != nil || a.Successor != "A000002" {
		w.Errorf("saved: %+v", a)
	}
	w.update(func(tx *store.Tx) error {
		two := admin(3, account.District1, "d", "d", "")
		two.Mobile = "mobile-1" // its holder's account is closed
		return tx.AddAccount(w.ctx, two)
	})
	w.view(func(tx *store.Tx) error {
		a, err := tx.AccountByMobile(w.ctx, "mobile-1")
		if err == nil && (a == nil || a.ID != "A000003") {
			w.Errorf("by mobile: %+v", a)
		}
		return err
	})
}

func accountLists(w *world) {
	w.update(func(tx *store.Tx) error {
		for i, a := range []store.Account{
			admin(1, account.District1, "d", "d", ""), admin(2, account.District2, "d", "d", ""), admin(3, account.District2, "s", "d", "s"), admin(4, account.District3, "v", "d", "s"),
			admin(5, account.District1, "e", "e", ""), admin(6, account.Municipal1, "m", "", ""),
		} {
			if i == 3 {
				a.LockedUntil = begin.Add(time.Hour)
			}
			if err := tx.AddAccount(w.ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
	for want, q := range map[string]store.AccountQuery{
		"6 123456": {Limit: 9}, "0 ": {Scope: account.AccountScope{None: true}, Limit: 9}, "4 1234": {Scope: account.AccountScope{District: "d"}, Limit: 9},
		"2 34": {Scope: account.AccountScope{Street: "s"}, Limit: 9}, "1 2": {Scope: account.AccountScope{Unit: "d", Ranks: []account.Rank{account.District2}}, Limit: 9},
		"1 4": {Locked: true, Limit: 9}, "1 6": {ID: "A000006", Limit: 9}, "6 65": {Sort: "created", Desc: true, Limit: 2},
		"6 34": {Sort: "id", From: 2, Limit: 2}, "2 15": {Rank: account.District1, State: account.Open, Limit: 9}, "0  ": {State: account.Closed, Limit: 9},
	} {
		w.view(func(tx *store.Tx) error {
			page, total, err := tx.FindAccounts(w.ctx, q)
			got := fmt.Sprint(total, " ")
			for _, a := range page {
				got += a.ID[6:]
			}
			if err == nil && got != want && got+" " != want {
				w.Errorf("%+v: %q, want %q", q, got, want)
			}
			return err
		})
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Holders(w.ctx, "v", "s", "d", "root")
		if err == nil && len(list) != 4 {
			w.Errorf("holders: %+v", list)
		}
		return err
	})
}

func oneTimeLinks(w *world) {
	link := func(hash string) store.Invitation {
		return store.Invitation{TokenHash: hash, Account: "A1", Purpose: "open", CreatedAt: w.now(), ExpiresAt: w.now().Add(time.Hour)}
	}
	use := func(hash string) (ok bool) {
		w.update(func(tx *store.Tx) (err error) {
			ok, err = tx.UseInvitation(w.ctx, hash)
			return err
		})
		return ok
	}
	w.update(func(tx *store.Tx) error { return tx.AddInvitation(w.ctx, link("one")) })
	w.update(func(tx *store.Tx) error { return tx.AddInvitation(w.ctx, link("two")) })
	if use("one") {
		w.Error("a link works after another was made")
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for range 8 {
		wg.Go(func() {
			if use("two") {
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	if wg.Wait(); n != 1 {
		w.Errorf("a link was used %d times", n)
	}
	w.update(func(tx *store.Tx) error { return tx.AddInvitation(w.ctx, link("three")) })
	w.pass(time.Hour)
	if use("three") || use("none") {
		w.Error("a link that is over works")
	}
	w.view(func(tx *store.Tx) error {
		i, err := tx.Invitation(w.ctx, "three")
		if err == nil && (i == nil || !i.UsedAt.IsZero() || i.Account != "A1" || !i.ExpiresAt.Equal(begin.Add(time.Hour))) {
			w.Errorf("%+v", i)
		}
		return err
	})
}

func passkeys(w *world) {
	p := store.Passkey{ID: "k1", Account: "A1", Detail: `{"count":1}`, Name: "办公室", CreatedAt: begin}
	add := func(p store.Passkey) (ok bool) {
		w.update(func(tx *store.Tx) (err error) {
			ok, err = tx.AddPasskey(w.ctx, p)
			return err
		})
		return ok
	}
	other := p
	other.Account = "A2"
	if !add(p) || add(other) {
		w.Error("a passkey belongs to one account")
	}
	use := func(began time.Time) (ok bool) {
		w.update(func(tx *store.Tx) (err error) {
			ok, err = tx.UsePasskey(w.ctx, "k1", `{"count":2}`, began)
			return err
		})
		return ok
	}
	w.pass(time.Minute)
	if !use(begin.Add(30*time.Second)) || use(begin.Add(40*time.Second)) {
		w.Error("an answer to a challenge of before the last use counts")
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Passkeys(w.ctx, "A1")
		p.Detail, p.UsedAt = `{"count":2}`, begin.Add(time.Minute)
		same(w, "passkeys", list, []store.Passkey{p})
		return err
	})
	for account, want := range map[string]int64{"A2": 0, "A1": 1} {
		w.update(func(tx *store.Tx) error {
			n, err := tx.RemovePasskeys(w.ctx, account, "k1")
			if err == nil && n != want {
				w.Errorf("%s removes %d", account, n)
			}
			return err
		})
	}
}

func apiTokens(w *world) {
	w.update(func(tx *store.Tx) error {
		if err := tx.AddAccount(w.ctx, admin(1, account.District1, "d", "d", "")); err != nil {
			return err
		}
		for _, id := range []string{"t1", "t2"} {
			if err := tx.AddAPIToken(w.ctx, store.APIToken{TokenHash: "hash-" + id, ID: id, Account: "A000001", Name: id, Scopes: "read,decide", CreatedAt: begin, ExpiresAt: begin.Add(time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	})
	w.update(func(tx *store.Tx) error { return tx.TouchAPIToken(w.ctx, "t1") })
	w.view(func(tx *store.Tx) error {
		t, a, err := tx.APIToken(w.ctx, "hash-t1")
		if err == nil && (t == nil || t.Scopes != "read,decide" || !t.UsedAt.Equal(begin) || a.Rank != account.District1 || a.State != account.Open) {
			w.Errorf("%+v of %+v", t, a)
		}
		if none, _, err := tx.APIToken(w.ctx, "nothing"); none != nil || err != nil {
			w.Errorf("a token that is not there: %+v, %v", none, err)
		}
		return err
	})
	for _, c := range []struct {
		account, id string
		want        int64
		left        int
	}{{"A000002", "t1", 0, 2}, {"A000001", "t1", 1, 1}, {"A000001", "t1", 0, 1}, {"A000001", "", 1, 0}} {
		w.update(func(tx *store.Tx) error {
			n, err := tx.EndAPITokens(w.ctx, c.account, c.id)
			list, err2 := tx.APITokens(w.ctx, "A000001")
			if err == nil && (n != c.want || len(list) != c.left) {
				w.Errorf("%s ends %q: %d, %d left", c.account, c.id, n, len(list))
			}
			if err == nil {
				err = err2
			}
			return err
		})
	}
}

func filings(w *world) {
	file := func(n int, r account.Rank, seat account.Seat, by string) store.Filing {
		return store.Filing{
			Filing: account.Filing{ID: fmt.Sprintf("F%06d", n), Kind: account.FileOpen, Rank: r, Seat: seat, FiledBy: by, State: account.FilingWaiting, Version: 1},
			Sealed: []byte{0, 0xff}, Mobile: fmt.Sprint("mobile-", n), Reason: "新设", CreatedAt: begin.Add(time.Duration(n) * time.Minute),
		}
	}
	street, village := account.Seat{Unit: "s", Kind: directory.Street, District: "d", Street: "s"}, account.Seat{Unit: "v", Kind: directory.Village, District: "d", Street: "s"}
	one := file(1, account.District2, street, "A1")
	w.update(func(tx *store.Tx) error {
		for _, f := range []store.Filing{one, file(2, account.District3, village, "A2"), file(3, account.District2, account.Seat{Unit: "x", District: "e", Street: "x"}, "A1")} {
			if err := tx.AddFiling(w.ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	w.view(func(tx *store.Tx) error {
		f, err := tx.Filing(w.ctx, one.ID)
		one.Seat.Kind = "" // of the directory
		same(w, "a filing", *f, one)
		for _, c := range []struct {
			account, mobile string
			want            bool
		}{{"", "mobile-1", true}, {"", "mobile-9", false}, {"A9", "", false}, {"", "", false}} {
			if waits, err := tx.FilingWaits(w.ctx, c.account, c.mobile); err != nil || waits != c.want {
				w.Errorf("%q %q waits: %t, %v", c.account, c.mobile, waits, err)
			}
		}
		return err
	})
	for want, c := range map[string]struct {
		scope       account.AccountScope
		own, before string
	}{
		"2 21": {account.AccountScope{District: "d"}, "A9", ""}, "1 2": {account.AccountScope{Ranks: []account.Rank{account.District3}, Street: "s"}, "A9", ""},
		"3 321": {account.AccountScope{District: "d"}, "A1", ""}, "2 31": {account.AccountScope{None: true}, "A1", ""}, "1 2 ": {account.AccountScope{None: true}, "A9", "A2"}, "0 ": {account.AccountScope{None: true}, "A9", ""},
	} {
		w.view(func(tx *store.Tx) error {
			page, total, err := tx.FindFilings(w.ctx, c.scope, "", c.own, c.before, 0, 10, nil)
			got := fmt.Sprint(total, " ")
			for _, f := range page {
				got += f.ID[6:]
			}
			if err == nil && got != want && got+" " != want {
				w.Errorf("%+v: %q, want %q", c, got, want)
			}
			return err
		})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			ok := false
			w.update(func(tx *store.Tx) (err error) {
				f := one
				ok, err = tx.DecideFiling(w.ctx, &f, account.FilingConfirmed, "A7", "")
				return err
			})
			if ok {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	if wg.Wait(); won != 1 {
		w.Errorf("%d decided one filing", won)
	}
	w.update(func(tx *store.Tx) error { return tx.FilingOpened(w.ctx, one.ID, "A8") })
	w.view(func(tx *store.Tx) error {
		f, err := tx.Filing(w.ctx, one.ID)
		if err == nil && (f.State != account.FilingConfirmed || f.DecidedBy != "A7" || !f.DecidedAt.Equal(begin) || f.Opened != "A8" || f.Version != 2) {
			w.Errorf("decided: %+v", f)
		}
		page, _, err := tx.FindFilings(w.ctx, account.AccountScope{}, "", "", "", 0, 10, nil)
		if err == nil && (len(page) != 3 || page[2].ID != one.ID) {
			w.Errorf("those that wait come first: %+v", page)
		}
		return err
	})
}
