package storetest

import (
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// clientKeys holds what is kept of the keys of connected systems: two of a profile at a time, a nonce once, so many
// requests in a minute.
func clientKeys(w *world) {
	key := func(id string, place int) store.ClientKey {
		return store.ClientKey{ClientKey: oversight.ClientKey{
			ID: id, SourceID: "S0001", Profile: oversight.Ed25519, Name: "feed", Scopes: []oversight.ClientScope{oversight.ClientFeed}, Halls: []string{"h1"}, PerMinute: 2, Public: []byte{1, 0xff},
			Certificate: "ab", From: w.now().Add(-time.Hour), Until: w.now().Add(time.Hour), MadeAt: w.now(),
		}, Place: place, MadeBy: "A1"}
	}
	one, two := key("K1", 1), key("K2", 2)
	two.Profile, two.Public, two.Sealed, two.Halls, two.MadeAt = oversight.HMACSM3, []byte{}, []byte{9, 0, 9}, []string{}, w.now().Add(time.Second)
	add := func(k store.ClientKey, want fault.Code) {
		w.Helper()
		if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.AddClientKey(w.ctx, k) }); fault.CodeOf(err) != want {
			w.Errorf("add %s: %v, want %q", k.ID, err, want)
		}
	}
	add(one, "")
	add(two, "")
	add(key("K3", 1), fault.ChangedMeanwhile)
	add(key("K3", 2), "")
	read := func(id string) (k *store.ClientKey) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			k, err = tx.ClientKey(w.ctx, id)
			return err
		})
		return k
	}
	same(w, "with a public half", read("K1"), &one)
	same(w, "with a secret", read("K2"), &two)
	if read("K9") != nil {
		w.Error("a key that was never added is there")
	}

	w.update(func(tx *store.Tx) error {
		for n, want := range []bool{true, false} {
			if ended, err := tx.EndClientKey(w.ctx, "K1", w.now()); err != nil || ended != want {
				w.Errorf("end %d: %t, %v", n, ended, err)
			}
		}
		return nil
	})
	add(key("K4", 1), "") // its place is free
	w.view(func(tx *store.Tx) error {
		list, err := tx.ClientKeys(w.ctx, "S0001")
		var ids []string
		for _, k := range list {
			ids = append(ids, k.ID)
		}
		same(w, "of the source, newest first", ids, []string{"K2", "K1", "K3", "K4"})
		if err != nil {
			return err
		}
		live, err := tx.LiveClientKeys(w.ctx)
		same(w, "live", live, map[string]int{"S0001": 3})
		return err
	})

	take := func(key, nonce string, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			fresh, err := tx.TakeNonce(w.ctx, key, nonce, w.now().Add(time.Minute))
			if fresh != want {
				w.Errorf("nonce %s of %s: fresh %t", nonce, key, fresh)
			}
			return err
		})
	}
	take("K2", "n1", true)
	take("K2", "n1", false)
	take("K2", "n2", true)
	take("K3", "n1", true)
	w.update(func(tx *store.Tx) error { return tx.ForgetNonces(w.ctx, w.now()) })
	take("K2", "n1", false)
	w.update(func(tx *store.Tx) error { return tx.ForgetNonces(w.ctx, w.now().Add(2*time.Minute)) })
	take("K2", "n1", true)

	use := func(key string, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			within, err := tx.CountUse(w.ctx, key, 2)
			if within != want {
				w.Errorf("use of %s: within %t", key, within)
			}
			return err
		})
	}
	use("K2", true)
	use("K2", true)
	use("K2", false)
	use("K3", true)

	w.update(func(tx *store.Tx) error { return tx.TouchClientKey(w.ctx, "K2") })
	if k := read("K2"); k.UsedAt.IsZero() {
		w.Error("a key that was used was not")
	}
}
