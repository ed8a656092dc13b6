package account

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// device is an authenticator: it makes one passkey and signs with it.
type device struct {
	t      testing.TB
	party  Party
	id     []byte
	signer crypto.Signer
	count  uint32
	flags  byte
}

func newDevice(t testing.TB, p Party, signer crypto.Signer) *device {
	return &device{t: t, party: p, id: []byte("a credential of sixteen"), signer: signer, flags: userPresent | 1<<2}
}

func (d *device) client(kind string, challenge []byte) string {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": base64url.EncodeToString(challenge), "origin": d.party.Origin, "crossOrigin": false})
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

func (d *device) auth(flags byte) []byte {
	place := sha256.Sum256([]byte(d.party.ID))
	out := append(place[:], flags)
	return binary.BigEndian.AppendUint32(out, d.count)
}

func (d *device) make(challenge []byte) PasskeyAnswer {
	key, err := x509.MarshalPKIXPublicKey(d.signer.Public())
	if err != nil {
		d.t.Fatal(err)
	}
	auth := append(d.auth(d.flags|attested), make([]byte, 16)...)
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(d.id)))
	auth = append(append(auth, d.id...), 0xa0) // the key in COSE follows; its text is not read
	return PasskeyAnswer{
		ID: base64url.EncodeToString(d.id), ClientData: base64url.EncodeToString([]byte(d.client("webauthn.create", challenge))),
		AuthData: base64url.EncodeToString(auth), Key: base64url.EncodeToString(key), Transports: []string{"internal", "internal", "carrier-pigeon"},
	}
}

func (d *device) use(challenge []byte) PasskeyAnswer {
	client, auth := []byte(d.client("webauthn.get", challenge)), d.auth(d.flags)
	hash := sha256.Sum256(client)
	message := append(append([]byte(nil), auth...), hash[:]...)
	digest, opts := message, crypto.SignerOpts(crypto.Hash(0))
	if _, pure := d.signer.(ed25519.PrivateKey); !pure {
		sum := sha256.Sum256(message)
		digest, opts = sum[:], crypto.SHA256
	}
	signature, err := d.signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return PasskeyAnswer{
		ID: base64url.EncodeToString(d.id), ClientData: base64url.EncodeToString(client), AuthData: base64url.EncodeToString(auth), Signature: base64url.EncodeToString(signature),
	}
}

var (
	here      = Party{ID: "yuyue.example.org", Origin: "https://yuyue.example.org"}
	challenge = []byte("a challenge nobody can know before")
)

func signers(t testing.TB) map[string]crypto.Signer {
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	r, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	return map[string]crypto.Signer{"ES256": ec, "EdDSA": ed, "RS256": r}
}

func TestAPasskeyIsMadeAndUsed(t *testing.T) {
	for name, s := range signers(t) {
		d := newDevice(t, here, s)
		k, ok := here.Made(challenge, d.make(challenge))
		if !ok || k.ID != base64url.EncodeToString(d.id) || len(k.Transports) != 1 {
			t.Fatalf("%s: made: %+v, %t", name, k, ok)
		}
		if _, ok := here.Used(challenge, k, d.use(challenge)); !ok {
			t.Errorf("%s: the use of one that does not count", name)
		}
		d.count = 5
		if k.Count, ok = here.Used(challenge, k, d.use(challenge)); !ok || k.Count != 5 {
			t.Errorf("%s: counted %d, %t", name, k.Count, ok)
		}
		if _, ok := here.Used(challenge, k, d.use(challenge)); ok {
			t.Errorf("%s: a count that does not grow is taken", name)
		}
		d.count = 4
		if _, ok := here.Used(challenge, k, d.use(challenge)); ok {
			t.Errorf("%s: a count that falls is taken", name)
		}
	}
}

// Each thing that is wrong is enough.
func TestAPasskeyElsewhereOrChangedIsRefused(t *testing.T) {
	all := signers(t)
	d := newDevice(t, here, all["ES256"])
	good, ok := here.Made(challenge, d.make(challenge))
	if !ok {
		t.Fatal("the good one is refused")
	}
	flip := func(s string) string {
		b, err := base64url.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		return base64url.EncodeToString(b)
	}
	uses := map[string]func() (Party, []byte, Passkey, PasskeyAnswer){
		"another challenge": func() (Party, []byte, Passkey, PasskeyAnswer) {
			return here, []byte("another challenge, just as long"), good, d.use(challenge)
		},
		"another origin": func() (Party, []byte, Passkey, PasskeyAnswer) {
			e := newDevice(t, Party{here.ID, "https://evil.example.org"}, all["ES256"])
			return here, challenge, good, e.use(challenge)
		},
		"another domain": func() (Party, []byte, Passkey, PasskeyAnswer) {
			e := newDevice(t, Party{"evil.example.org", here.Origin}, all["ES256"])
			return here, challenge, good, e.use(challenge)
		},
		"another key": func() (Party, []byte, Passkey, PasskeyAnswer) {
			return here, challenge, good, newDevice(t, here, all["EdDSA"]).use(challenge)
		},
		"another credential": func() (Party, []byte, Passkey, PasskeyAnswer) {
			e := newDevice(t, here, all["ES256"])
			e.id = []byte("another one of them all")
			return here, challenge, good, e.use(challenge)
		},
		"nobody touched it": func() (Party, []byte, Passkey, PasskeyAnswer) {
			e := newDevice(t, here, all["ES256"])
			e.flags = 0
			return here, challenge, good, e.use(challenge)
		},
		"a changed signature": func() (Party, []byte, Passkey, PasskeyAnswer) {
			a := d.use(challenge)
			a.Signature = flip(a.Signature)
			return here, challenge, good, a
		},
		"changed data": func() (Party, []byte, Passkey, PasskeyAnswer) {
			a := d.use(challenge)
			a.AuthData = flip(a.AuthData)
			return here, challenge, good, a
		},
		"the answer of making": func() (Party, []byte, Passkey, PasskeyAnswer) { return here, challenge, good, d.make(challenge) },
		"no key kept": func() (Party, []byte, Passkey, PasskeyAnswer) {
			return here, challenge, Passkey{ID: good.ID}, d.use(challenge)
		},
		"nothing": func() (Party, []byte, Passkey, PasskeyAnswer) {
			return here, challenge, good, PasskeyAnswer{ID: good.ID}
		},
		"an empty challenge": func() (Party, []byte, Passkey, PasskeyAnswer) { return here, nil, good, d.use(nil) },
	}
	for name, c := range uses {
		p, ch, k, a := c()
		if _, ok := p.Used(ch, k, a); ok {
			t.Errorf("used: %s is taken", name)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err == nil {
		if _, ok := here.Made(challenge, newDevice(t, here, weak).make(challenge)); ok {
			t.Error("made: a short key is taken")
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := d.make(challenge)
	other.ID = base64url.EncodeToString([]byte("another one of them all"))
	unattested := d.make(challenge)
	unattested.AuthData = base64url.EncodeToString(d.auth(userPresent))
	for name, a := range map[string]PasskeyAnswer{
		"another curve": newDevice(t, here, p384).make(challenge), "another id than the authenticator's": other, "no credential in it": unattested, "the answer of using": d.use(challenge),
	} {
		if _, ok := here.Made(challenge, a); ok {
			t.Errorf("made: %s is taken", name)
		}
	}
}

// FuzzPasskey: whatever a browser sends, nothing is taken but what the device signed, and nothing falls.
func FuzzPasskey(f *testing.F) {
	d := newDevice(f, here, signers(f)["ES256"])
	made := d.make(challenge)
	good, ok := here.Made(challenge, made)
	if !ok {
		f.Fatal("the good one is refused")
	}
	used := d.use(challenge)
	f.Add(made.ID, made.ClientData, made.AuthData, made.Key)
	f.Add(used.ID, used.ClientData, used.AuthData, used.Signature)
	f.Add("", "e30", "", "AA")
	f.Fuzz(func(t *testing.T, id, client, auth, last string) {
		if k, ok := here.Made(challenge, PasskeyAnswer{ID: id, ClientData: client, AuthData: auth, Key: last}); ok && (k.ID == "" || parseKey(k.Key) == nil) {
			t.Errorf("made of nothing: %+v", k)
		}
		if _, ok := here.Used(challenge, good, PasskeyAnswer{ID: id, ClientData: client, AuthData: auth, Signature: last}); ok && last != used.Signature {
			t.Error("a signature the device did not make is taken")
		}
	})
}
