package sign

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// stand is a Verifier over keys and nonces in memory.
type stand struct {
	Verifier
	keys map[string]*Key
	used map[string]bool
	at   time.Time
}

func newStand(_ testing.TB, at time.Time) *stand {
	s := &stand{keys: map[string]*Key{}, used: map[string]bool{}, at: at}
	s.Verifier = Verifier{Keys: func(_ context.Context, id string) (*Key, error) { return s.keys[id], nil }, Nonces: s, Now: func() time.Time { return s.at }, Skew: 5 * time.Minute}
	return s
}

func (s *stand) Take(_ context.Context, key, nonce string, _ time.Time) error {
	if s.used[key+" "+nonce] {
		return fault.New(fault.SignatureReplayed)
	}
	s.used[key+" "+nonce] = true
	return nil
}

var noon = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

// keyOf makes a key of a profile that is in force around noon.
func keyOf(t testing.TB, p oversight.Profile, id string) *Key {
	t.Helper()
	k := &Key{ID: id, Profile: p, From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
	switch p {
	case oversight.Ed25519:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k.Public, k.Private = public, private.Seed()
	case oversight.SM2:
		private, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k.Private = private.D.FillBytes(make([]byte, 32))
		k.Public = append(append([]byte{4}, private.X.FillBytes(make([]byte, 32))...), private.Y.FillBytes(make([]byte, 32))...)
	default:
		k.Secret = []byte(rand.Text())
	}
	return k
}

// order is the request that is signed, and spoilt.
func order() *Message {
	body := []byte(`{"records":[{"row":"A-1","version":3}]}`)
	return &Message{Method: "POST", Scheme: "https", Authority: "yuyue.example.org", Path: "/api/v1/feed/records", Query: "batch=7&of=9", Asked: true, Body: body, Fields: map[string][]string{
		"host": {"yuyue.example.org"}, "content-type": {"application/json"}, "content-digest": {Digest(body)}, "date": {"Tue, 01 Dec 2026 04:00:00 GMT"}, "x-list": {"a, b", "c"},
	}}
}

var covering = []string{"@method", "@target-uri", "content-digest", "content-type", "date", "x-list"}

// vector is one request that must be accepted (want "") or refused with a code. made is what happens before it is
// signed, then after.
type vector struct {
	name  string
	want  fault.Code
	made  func(c *made)
	then  func(c *made)
	again func(c *made) // sent a second time after this; want is then of the second
}

// made is a request on its way.
type made struct {
	*Message
	t       testing.TB
	s       *stand
	key     *Key
	covered []string
	p       Params
	drawn   string // of the gateway's nonce
	cert    string
}

// swap replaces in a field, which must hold what is replaced.
func (c *made) swap(field, from, to string) {
	c.t.Helper()
	line := strings.Join(c.Fields[field], ", ")
	if !strings.Contains(line, from) {
		c.t.Fatalf("%s does not hold %q: %s", field, from, line)
	}
	c.Fields[field] = []string{strings.Replace(line, from, to, 1)}
}

// value replaces the signature itself.
func (c *made) value(b []byte) { c.Fields["signature"] = []string{"sig1=" + byteSequence(b)} }

func (c *made) sum() []byte {
	d, err := parseDictionary(c.Fields["signature"])
	if err != nil {
		c.t.Fatal(err)
	}
	return []byte(d[0].one.text)
}

func (c *made) without(covered ...string) {
	c.covered = slices.DeleteFunc(slices.Clone(c.covered), func(s string) bool { return slices.Contains(covered, s) })
}

func (c *made) sign() {
	if c.key.Profile.Gateway() {
		for name, line := range c.key.SignGateway(c.Message, c.p.Created, c.drawn) {
			c.Fields[name] = []string{line}
		}
		return
	}
	input, value, err := c.key.Sign(c.Message, "sig1", c.covered, c.p)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Fields["signature-input"], c.Fields["signature"] = []string{input}, []string{value}
}

// changed are changes of a request after it was signed, in either style: the code in RFC 9421, and in the gateway's.
var changed = []struct {
	name          string
	want, gateway fault.Code
	then          func(c *made)
}{
	{"as signed", "", "", nil},
	{"an uncovered field added", "", "", func(c *made) { c.Fields["accept-language"] = []string{"en"} }},
	{"host in capitals", "", "", func(c *made) { c.Authority = "YUYUE.Example.org" }},
	{"the port that goes without saying", "", "", func(c *made) { c.Authority += ":443" }},
	{"another method", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Method = "PUT" }},
	{"the method in small letters", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Method = "post" }},
	{"another path", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Path = "/api/v1/feed/other" }},
	{"a slash behind the path", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Path += "/" }},
	{"the path in capitals", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Path = strings.ToUpper(c.Path) }},
	{"the path percent-encoded", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Path = strings.Replace(c.Path, "r", "%72", 1) }},
	{"another query", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Query = "batch=8&of=9" }},
	{"the query in another order", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Query = "of=9&batch=7" }},
	{"a parameter added", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Query += "&all=true" }},
	{"the query cut off", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Query, c.Asked = "", false }},
	{"another host", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Authority = "other.example.org" }},
	{"another port", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Authority += ":8443" }},
	{"another body", fault.SignatureDigestWrong, fault.SignatureDigestWrong, func(c *made) { c.Body = []byte(`{"records":[]}`) }},
	{"a byte behind the body", fault.SignatureDigestWrong, fault.SignatureDigestWrong, func(c *made) { c.Body = append(slices.Clone(c.Body), ' ') }},
	{"no body", fault.SignatureDigestWrong, fault.SignatureDigestWrong, func(c *made) { c.Body = nil }},
	{"the body coded in another way", fault.SignatureDigestWrong, fault.SignatureDigestWrong, func(c *made) { c.Body = []byte(strings.Replace(string(c.Body), `"A-1"`, `"\u0041-1"`, 1)) }},
	{"another body with its digest", fault.SignatureWrong, fault.SignatureDigestWrong, func(c *made) { c.Body = []byte(`{}`); c.Fields["content-digest"] = []string{Digest(c.Body)} }},
	{"on the last second", "", "", func(c *made) { c.s.at = noon.Add(c.s.Skew) }},
	{"a second too late", fault.SignatureOld, fault.SignatureOld, func(c *made) { c.s.at = noon.Add(c.s.Skew + time.Second) }},
	{"a day too late", fault.SignatureOld, fault.SignatureOld, func(c *made) { c.s.at = noon.Add(24 * time.Hour); c.key.Until = noon.Add(25 * time.Hour) }},
	{"from a clock that is ahead", "", "", func(c *made) { c.s.at = noon.Add(-c.s.Skew) }},
	{"from a clock too far ahead", fault.SignatureAhead, fault.SignatureAhead, func(c *made) { c.s.at = noon.Add(-c.s.Skew - time.Second) }},
	{"a key not yet in force", fault.SignatureKeyOver, fault.SignatureKeyOver, func(c *made) { c.key.From = noon.Add(time.Second) }},
	{"a key no more in force", fault.SignatureKeyOver, fault.SignatureKeyOver, func(c *made) { c.key.Until = noon }},
	{"a key taken away", fault.SignatureKeyUnknown, fault.SignatureKeyUnknown, func(c *made) { delete(c.s.keys, "K1") }},
	{"with its certificate", "", "", func(c *made) { c.key.Certificate, c.cert = strings.Repeat("ab", 32), strings.Repeat("ab", 32) }},
	{"with a certificate nobody asked for", "", "", func(c *made) { c.cert = strings.Repeat("ab", 32) }},
	{"without its certificate", fault.SignatureCertificate, fault.SignatureCertificate, func(c *made) { c.key.Certificate = strings.Repeat("ab", 32) }},
	{"with another certificate", fault.SignatureCertificate, fault.SignatureCertificate, func(c *made) { c.key.Certificate, c.cert = strings.Repeat("ab", 32), strings.Repeat("ac", 32) }},
	{"in two styles", fault.SignatureMalformed, fault.SignatureMalformed, func(c *made) {
		for _, f := range []string{"signature", "signature-input", gatewayID, gatewayTime, gatewayNonce, gatewaySum} {
			if len(c.Fields[f]) == 0 {
				c.Fields[f] = []string{"x"}
			}
		}
	}},
}

// standard are the vectors of a profile of RFC 9421.
func standard(t testing.TB, p oversight.Profile) (out []vector) {
	for _, c := range changed {
		out = append(out, vector{name: c.name, want: c.want, then: c.then})
	}
	then := func(name string, want fault.Code, f func(c *made)) {
		out = append(out, vector{name: name, want: want, then: f})
	}
	first := func(name string, want fault.Code, f func(c *made)) {
		out = append(out, vector{name: name, want: want, made: f})
	}
	input := func(name string, want fault.Code, from, to string) {
		then(name, want, func(c *made) { c.swap("signature-input", from, to) })
	}
	add := func(params string) func(*made) { return func(c *made) { c.Fields["signature-input"][0] += params } }

	// What is covered.
	then("another scheme", fault.SignatureWrong, func(c *made) { c.Scheme = "http" })
	then("a covered field changed", fault.SignatureWrong, func(c *made) { c.swap("date", "04:00:00", "04:00:01") })
	then("its case changed", fault.SignatureWrong, func(c *made) { c.swap("content-type", "json", "JSON") })
	then("a covered field gone", fault.SignaturePartAbsent, func(c *made) { delete(c.Fields, "date") })
	then("a covered field twice", fault.SignatureWrong, func(c *made) { c.Fields["date"] = append(c.Fields["date"], c.Fields["date"][0]) })
	then("blanks around a field", "", func(c *made) { c.Fields["date"][0] = " \t" + c.Fields["date"][0] + "  " })
	then("blanks within a field", fault.SignatureWrong, func(c *made) { c.swap("date", ", ", ",  ") })
	then("lines of a field combined", "", func(c *made) { c.Fields["x-list"] = []string{"a, b, c"} })
	then("lines of a field in another order", fault.SignatureWrong, func(c *made) { c.Fields["x-list"] = []string{"c", "a, b"} })
	then("a line break in a field", fault.SignaturePartUnknown, func(c *made) { c.Fields["date"][0] += "\n\"@method\": POST" })
	then("the digest gone", fault.SignatureIncomplete, func(c *made) { delete(c.Fields, "content-digest") })
	then("the digest twice", fault.SignatureMalformed, func(c *made) {
		c.Fields["content-digest"] = append(c.Fields["content-digest"], c.Fields["content-digest"][0])
	})
	first("digest by SHA-512 as well", "", func(c *made) {
		c.Body = []byte(`{"hello": "world"}`)
		c.Fields["content-digest"] = []string{Digest(c.Body), "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"}
	})
	first("digest by an algorithm that is not known", fault.SignatureIncomplete, func(c *made) { c.Fields["content-digest"] = []string{"md5=:AAAA:"} })
	first("address by its parts", "", func(c *made) {
		c.without("@target-uri")
		c.covered = append(c.covered, "@authority", "@path", "@query")
	})
	first("address by its target", "", func(c *made) {
		c.without("@target-uri")
		c.covered = append(c.covered, "@authority", "@request-target")
	})
	first("a question without body", "", func(c *made) {
		c.Method, c.Body, c.Asked, c.Query = "GET", nil, false, ""
		delete(c.Fields, "content-digest")
		c.covered = []string{"@method", "@authority", "@path"}
	})
	first("method not covered", fault.SignatureIncomplete, func(c *made) { c.without("@method") })
	first("address not covered", fault.SignatureIncomplete, func(c *made) { c.without("@target-uri") })
	first("host not covered", fault.SignatureIncomplete, func(c *made) { c.without("@target-uri"); c.covered = append(c.covered, "@path", "@query") })
	first("query not covered", fault.SignatureIncomplete, func(c *made) { c.without("@target-uri"); c.covered = append(c.covered, "@authority", "@path") })
	first("digest not covered", fault.SignatureIncomplete, func(c *made) { c.without("content-digest") })
	first("nothing covered", fault.SignatureIncomplete, func(c *made) { c.covered = nil })

	// Signature-Input.
	input("components in another order", fault.SignatureWrong, `"@method" "@target-uri"`, `"@target-uri" "@method"`)
	input("a component dropped", fault.SignatureWrong, ` "date"`, ``)
	input("a component added", fault.SignatureWrong, `"date"`, `"date" "host"`)
	input("a component twice", fault.SignatureMalformed, `"date"`, `"date" "date"`)
	input("a component in capitals", fault.SignatureMalformed, `"date"`, `"Date"`)
	input("a component that is not there", fault.SignaturePartAbsent, `"date"`, `"x-none"`)
	input("a component that is not known", fault.SignaturePartUnknown, `"date"`, `"@status"`)
	input("a component of the request before", fault.SignaturePartUnknown, `"date"`, `"date";req`)
	input("a component read as a structured field", fault.SignaturePartUnknown, `"x-list"`, `"x-list";sf`)
	input("a component as bytes", fault.SignatureWrong, `"x-list"`, `"x-list";bs`)
	input("a component that is no string", fault.SignatureMalformed, `"date"`, `date`)
	input("a component of another method's name", fault.SignatureIncomplete, `"@method"`, `"@method";bs`)
	input("more blanks in the list", "", `"@method" "@target-uri"`, ` "@method"   "@target-uri"`)
	input("a tab in the list", fault.SignatureMalformed, `"@method" `, "\"@method\"\t")
	input("no blank in the list", fault.SignatureMalformed, `"@method" `, `"@method"`)
	input("an open list", fault.SignatureMalformed, `);`, `;`)
	input("an open string", fault.SignatureMalformed, `"date"`, `"date`)
	input("no key behind a semicolon", fault.SignatureMalformed, `;created`, `;;created`)
	then("a comma behind it", fault.SignatureMalformed, add(","))
	then("bytes behind it", fault.SignatureMalformed, add(" x"))
	then("the label twice", fault.SignatureMalformed, func(c *made) {
		c.Fields["signature-input"] = append(c.Fields["signature-input"], c.Fields["signature-input"][0])
	})
	input("a label in capitals", fault.SignatureMalformed, `sig1=`, `Sig1=`)
	input("another label", fault.SignatureMissing, `sig1=`, `sig2=`)
	then("no Signature-Input", fault.SignatureMissing, func(c *made) { delete(c.Fields, "signature-input") })
	then("an empty Signature-Input", fault.SignatureMissing, func(c *made) { c.Fields["signature-input"] = []string{""} })
	then("a Signature-Input that is no list", fault.SignatureMalformed, func(c *made) { c.Fields["signature-input"] = []string{"sig1=1"} })

	// Its parameters.
	input("created changed", fault.SignatureWrong, fmt.Sprintf("created=%d", noon.Unix()), fmt.Sprintf("created=%d", noon.Unix()+1))
	input("created dropped", fault.SignatureIncomplete, fmt.Sprintf(";created=%d", noon.Unix()), "")
	input("created a string", fault.SignatureMalformed, fmt.Sprintf("created=%d", noon.Unix()), `created="1796097600"`)
	input("created a fraction", fault.SignatureMalformed, fmt.Sprintf("created=%d", noon.Unix()), fmt.Sprintf("created=%d.5", noon.Unix()))
	input("created below zero", fault.SignatureMalformed, "created=", "created=-")
	input("created of too many digits", fault.SignatureMalformed, "created=", "created=000000000")
	input("created twice", fault.SignatureMalformed, ";created", ";created=1;created")
	input("nonce changed", fault.SignatureWrong, `nonce="`, `nonce="x`)
	input("nonce dropped", fault.SignatureIncomplete, `;nonce="nonce-of-the-order"`, "")
	input("nonce too short", fault.SignatureMalformed, `nonce="nonce-of-the-order"`, `nonce="1234567"`)
	input("nonce too long", fault.SignatureMalformed, `nonce="`, `nonce="`+strings.Repeat("x", 128))
	input("nonce a token", fault.SignatureMalformed, `nonce="nonce-of-the-order"`, `nonce=nonce-of-the-order`)
	input("keyid dropped", fault.SignatureIncomplete, `;keyid="K1"`, "")
	input("keyid of another key", fault.SignatureWrong, `keyid="K1"`, `keyid="K2"`)
	input("keyid of nobody", fault.SignatureKeyUnknown, `keyid="K1"`, `keyid="K9"`)
	input("keyid of a key of the gateway's", fault.SignatureAlgorithm, `keyid="K1"`, `keyid="G1"`)
	input("parameters in another order", fault.SignatureWrong, fmt.Sprintf(`;created=%d;nonce="nonce-of-the-order"`, noon.Unix()), fmt.Sprintf(`;nonce="nonce-of-the-order";created=%d`, noon.Unix()))
	then("alg added", fault.SignatureWrong, add(fmt.Sprintf(";alg=%q", p)))
	then("tag added", fault.SignatureWrong, add(`;tag="suiyue"`))
	then("a parameter nobody knows added", fault.SignatureWrong, add(";x=1.5"))
	then("expires added", fault.SignatureWrong, add(fmt.Sprintf(";expires=%d", noon.Unix()+60)))
	for _, other := range []oversight.Profile{oversight.Ed25519, oversight.SM2, oversight.HMACSHA256, oversight.HMACSM3, "rsa-v1_5-sha256", "none", ""} {
		if other != p {
			then("alg "+string(other), fault.SignatureAlgorithm, add(fmt.Sprintf(";alg=%q", other)))
		}
	}
	first("alg said", "", func(c *made) { c.p.Alg = true })
	first("tag said", "", func(c *made) { c.p.Tag = Tag })
	first("expires later", "", func(c *made) { c.p.Expires = noon.Add(time.Second) })
	first("expires now", fault.SignatureExpired, func(c *made) { c.p.Expires = noon })
	first("expired before it was made", fault.SignatureMalformed, func(c *made) { c.p.Expires = noon.Add(-time.Second) })

	// Signature.
	then("no Signature", fault.SignatureMissing, func(c *made) { delete(c.Fields, "signature") })
	then("a Signature that is no bytes", fault.SignatureMalformed, func(c *made) { c.Fields["signature"] = []string{`sig1="x"`} })
	then("an empty one", fault.SignatureWrong, func(c *made) { c.value(nil) })
	then("its first bit changed", fault.SignatureWrong, func(c *made) { b := c.sum(); b[0] ^= 0x80; c.value(b) })
	then("its last bit changed", fault.SignatureWrong, func(c *made) { b := c.sum(); b[len(b)-1] ^= 1; c.value(b) })
	then("cut by a byte", fault.SignatureWrong, func(c *made) { b := c.sum(); c.value(b[:len(b)-1]) })
	then("cut to half", fault.SignatureWrong, func(c *made) { b := c.sum(); c.value(b[:len(b)/2]) })
	then("a byte behind it", fault.SignatureWrong, func(c *made) { c.value(append(c.sum(), 0)) })
	then("itself behind it", fault.SignatureWrong, func(c *made) { c.value(append(c.sum(), c.sum()...)) })
	then("nothing but zeros", fault.SignatureWrong, func(c *made) { c.value(make([]byte, len(c.sum()))) })
	then("without padding", fault.SignatureMalformed, func(c *made) { c.swap("signature", "=:", ":") })
	then("with bits in its padding", fault.SignatureMalformed, func(c *made) { c.Fields["signature"] = []string{"sig1=:" + strings.Repeat("A", 42) + "B=:"} })
	then("with a blank in it", fault.SignatureMalformed, func(c *made) { c.swap("signature", "=:", "= :") })
	then("in base64 of addresses", fault.SignatureMalformed, func(c *made) { c.Fields["signature"] = []string{"sig1=:" + strings.Repeat("_-", 21) + "8=:"} })
	then("bytes behind the field", fault.SignatureMalformed, func(c *made) { c.Fields["signature"][0] += "x" })
	then("an open field", fault.SignatureMalformed, func(c *made) { l := c.Fields["signature"][0]; c.Fields["signature"] = []string{l[:len(l)-1]} })
	then("the label of Signature twice", fault.SignatureMalformed, func(c *made) { c.Fields["signature"] = append(c.Fields["signature"], c.Fields["signature"][0]) })
	then("of another message", fault.SignatureWrong, func(c *made) {
		o := *c
		m := *c.Message
		m.Fields = maps.Clone(c.Fields)
		m.Path, o.Message = "/other", &m
		o.sign()
		c.Fields["signature"] = m.Fields["signature"]
	})
	first("with a key that only looks like it", fault.SignatureWrong, func(c *made) { k := keyOf(t, p, "K1"); c.key = k })
	if p.Public() {
		for _, alg := range []oversight.Profile{oversight.HMACSHA256, oversight.HMACSM3} {
			first("the public key as a secret of "+string(alg), fault.SignatureWrong, func(c *made) { c.key = &Key{ID: "K1", Profile: alg, Secret: c.key.Public} })
			first("the public key as a secret of "+string(alg)+", and said so", fault.SignatureAlgorithm, func(c *made) {
				c.key, c.p.Alg = &Key{ID: "K1", Profile: alg, Secret: c.key.Public}, true
			})
		}
	} else {
		first("an empty secret", fault.SignatureWrong, func(c *made) { c.key = &Key{ID: "K1", Profile: p} })
		first("the same secret by another hash", fault.SignatureWrong, func(c *made) {
			other := map[oversight.Profile]oversight.Profile{oversight.HMACSHA256: oversight.HMACSM3, oversight.HMACSM3: oversight.HMACSHA256}[p]
			c.key = &Key{ID: "K1", Profile: other, Secret: c.key.Secret}
		})
	}
	switch p {
	case oversight.Ed25519:
		then("S and the order of the group", fault.SignatureWrong, func(c *made) { // the same number to a careless reader
			b := c.sum()
			s, order := new(big.Int), new(big.Int)
			order.SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			le := slices.Clone(b[32:])
			slices.Reverse(le)
			s.SetBytes(le).Add(s, order)
			le = s.FillBytes(make([]byte, 32))
			slices.Reverse(le)
			c.value(append(b[:32], le...))
		})
	case oversight.SM2:
		coded := func(c *made) []byte {
			b := c.sum()
			out, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])})
			if err != nil {
				c.t.Fatal(err)
			}
			return out
		}
		then("as ASN.1", "", func(c *made) { c.value(coded(c)) })
		then("as ASN.1 with a byte behind it", fault.SignatureWrong, func(c *made) { c.value(append(coded(c), 0)) })
		then("r and s swapped", fault.SignatureWrong, func(c *made) { b := c.sum(); c.value(append(slices.Clone(b[32:]), b[:32]...)) })
	}

	// Several signatures.
	foreign := func(c *made) { // of somebody in between, whom nobody here knows
		c.Fields["signature-input"] = append([]string{`proxy=("@authority");created=1;keyid="somebody";alg="rsa-v1_5-sha256"`}, c.Fields["signature-input"]...)
		c.Fields["signature"] = append([]string{`proxy=:AAAA:`}, c.Fields["signature"]...)
	}
	then("a foreign one before it", "", foreign)
	then("a foreign one before it, and it is wrong", fault.SignatureWrong, func(c *made) { foreign(c); c.Method = "PUT" })
	then("a foreign one alone", fault.SignatureKeyUnknown, func(c *made) {
		foreign(c)
		c.Fields["signature-input"], c.Fields["signature"] = c.Fields["signature-input"][:1], c.Fields["signature"][:1]
	})
	then("a foreign one without its value", fault.SignatureMissing, func(c *made) { foreign(c); c.Fields["signature"] = c.Fields["signature"][1:] })
	then("one with our tag that is wrong, and one without", fault.SignatureWrong, func(c *made) {
		c.Fields["signature-input"] = append(c.Fields["signature-input"], strings.Replace(c.Fields["signature-input"][0], "sig1", "sig2", 1)+`;tag="suiyue"`)
		c.Fields["signature"] = append(c.Fields["signature"], strings.Replace(c.Fields["signature"][0], "sig1", "sig2", 1))
	})

	// Nonces.
	out = append(out,
		vector{name: "sent again", want: fault.SignatureReplayed, again: func(*made) {}},
		vector{name: "sent again with an uncovered field", want: fault.SignatureReplayed, again: func(c *made) { c.Fields["x"] = []string{"y"} }},
		vector{name: "another request with the same nonce", want: fault.SignatureReplayed, again: func(c *made) { c.Path = "/other"; c.sign() }},
		vector{name: "the same nonce of another key", want: "", again: func(c *made) { c.key = c.s.keys["K2"]; c.sign() }},
		vector{name: "another nonce", want: "", again: func(c *made) { c.p.Nonce = "another nonce"; c.sign() }},
	)
	return out
}

// gateway are the vectors of a profile in the style of the provincial gateway.
func gateway(t testing.TB, p oversight.Profile) (out []vector) {
	for _, c := range changed {
		out = append(out, vector{name: c.name, want: c.gateway, then: c.then})
	}
	then := func(name string, want fault.Code, f func(c *made)) {
		out = append(out, vector{name: name, want: want, then: f})
	}
	first := func(name string, want fault.Code, f func(c *made)) {
		out = append(out, vector{name: name, want: want, made: f})
	}
	for _, f := range []string{gatewayID, gatewayTime, gatewayNonce, gatewaySum} {
		then("no "+f, fault.SignatureMissing, func(c *made) { delete(c.Fields, f) })
		then("two "+f, fault.SignatureMalformed, func(c *made) { c.Fields[f] = append(c.Fields[f], c.Fields[f][0]) })
		then("an empty "+f, fault.SignatureMalformed, func(c *made) { c.Fields[f] = []string{""} })
		then("a blank behind "+f, map[bool]fault.Code{true: fault.SignatureKeyUnknown, false: fault.SignatureMalformed}[f == gatewayID], func(c *made) { c.Fields[f][0] += " " })
	}
	then("without a body", fault.SignatureDigestWrong, func(c *made) { c.Body = nil })
	first("a question", "", func(c *made) { c.Method, c.Body, c.Asked, c.Query = "GET", nil, false, "" })
	then("timestamp changed", fault.SignatureWrong, func(c *made) { c.Fields[gatewayTime] = []string{fmt.Sprint(noon.Unix() + 1)} })
	then("timestamp in milliseconds", fault.SignatureMalformed, func(c *made) { c.Fields[gatewayTime] = []string{fmt.Sprint(noon.UnixMilli())} })
	then("timestamp with a sign", fault.SignatureMalformed, func(c *made) { c.Fields[gatewayTime] = []string{"+179609760"} })
	then("the drawn part changed", fault.SignatureWrong, func(c *made) { c.swap(gatewayNonce, "drawn", "drown") })
	then("the drawn part cut", fault.SignatureMalformed, func(c *made) { c.swap(gatewayNonce, c.drawn, "drawn12") })
	then("the drawn part with a sign", fault.SignatureMalformed, func(c *made) { c.swap(gatewayNonce, "drawn", "dr_wn") })
	then("a nonce without the request", fault.SignatureIncomplete, func(c *made) { c.Fields[gatewayNonce] = []string{c.drawn} })
	then("a nonce with a shorter hash", fault.SignatureMalformed, func(c *made) { l := c.Fields[gatewayNonce][0]; c.Fields[gatewayNonce] = []string{l[:len(l)-2]} })
	then("the hash in capitals", fault.SignatureMalformed, func(c *made) {
		c.swap(gatewayNonce, "-", "-F")
		l := c.Fields[gatewayNonce][0]
		c.Fields[gatewayNonce] = []string{l[:len(l)-1]}
	})
	then("the hash of another request put in", fault.SignatureWrong, func(c *made) {
		c.Path = "/other"
		c.Fields[gatewayNonce] = []string{c.drawn + "-" + gatewayRequest(p, c.Message)}
	})
	first("the hash by another function", fault.SignatureWrong, func(c *made) {
		other := map[oversight.Profile]oversight.Profile{oversight.GatewaySHA256: oversight.GatewaySM3, oversight.GatewaySM3: oversight.GatewaySHA256}[p]
		c.key = &Key{ID: "K1", Profile: other, Secret: c.key.Secret}
	})
	then("signature in small letters", fault.SignatureMalformed, func(c *made) { c.Fields[gatewaySum] = []string{strings.ToLower(c.Fields[gatewaySum][0]) + ""} })
	then("signature changed", fault.SignatureWrong, func(c *made) {
		b, _ := hex.DecodeString(c.Fields[gatewaySum][0])
		b[31] ^= 1
		c.Fields[gatewaySum] = []string{strings.ToUpper(hex.EncodeToString(b))}
	})
	then("signature cut", fault.SignatureMalformed, func(c *made) { c.Fields[gatewaySum] = []string{c.Fields[gatewaySum][0][:62]} })
	then("a byte behind the signature", fault.SignatureMalformed, func(c *made) { c.Fields[gatewaySum][0] += "00" })
	then("keyid of nobody", fault.SignatureKeyUnknown, func(c *made) { c.Fields[gatewayID] = []string{"K9"} })
	then("keyid of another key", fault.SignatureWrong, func(c *made) { c.Fields[gatewayID] = []string{"K2"} })
	then("keyid of a key of RFC 9421", fault.SignatureAlgorithm, func(c *made) { c.Fields[gatewayID] = []string{"E1"} })
	then("another field of the gateway's", "", func(c *made) { c.Fields["x-tif-serviceid"] = []string{"1"} })
	first("an empty secret", fault.SignatureWrong, func(c *made) { c.key = &Key{ID: "K1", Profile: p} })
	first("with a key that only looks like it", fault.SignatureWrong, func(c *made) { c.key = keyOf(t, p, "K1") })
	out = append(out,
		vector{name: "sent again", want: fault.SignatureReplayed, again: func(*made) {}},
		vector{name: "another drawn part", want: "", again: func(c *made) { c.drawn = "another1"; c.sign() }},
		vector{name: "the same drawn part, another request", want: "", again: func(c *made) { c.Path = "/other"; c.sign() }},
	)
	return out
}

// Every vector is accepted or refused as it says, with its code; a refused one leaves its nonce unused.
func TestVectors(t *testing.T) {
	total, accepted := 0, 0
	for _, p := range oversight.Profiles {
		t.Run(string(p), func(t *testing.T) {
			list := standard(t, p)
			if p.Gateway() {
				list = gateway(t, p)
			}
			names := map[string]bool{}
			for _, v := range list {
				if names[v.name] {
					t.Errorf("%s: twice", v.name)
				}
				names[v.name] = true
				s := newStand(t, noon)
				s.keys["K1"], s.keys["K2"], s.keys["G1"], s.keys["E1"] = keyOf(t, p, "K1"), keyOf(t, p, "K2"), keyOf(t, oversight.GatewaySHA256, "G1"), keyOf(t, oversight.Ed25519, "E1")
				c := &made{Message: order(), t: t, s: s, key: s.keys["K1"], covered: covering, p: Params{Created: noon, Nonce: "nonce-of-the-order"}, drawn: "drawn123"}
				if v.made != nil {
					v.made(c)
				}
				c.sign()
				if v.then != nil {
					v.then(c)
				}
				got, err := s.Verify(t.Context(), c.Message, c.cert)
				if v.again != nil {
					if err != nil {
						t.Errorf("%s: the first: %v", v.name, err)
					}
					v.again(c)
					got, err = s.Verify(t.Context(), c.Message, c.cert)
				}
				if fault.CodeOf(err) != v.want || (got != nil) != (v.want == "") {
					t.Errorf("%s: %v, want %q", v.name, err, v.want)
				}
				if v.want != "" && v.again == nil && len(s.used) > 0 {
					t.Errorf("%s: refused, and its nonce is used up", v.name)
				}
				total++
				if v.want == "" {
					accepted++
				}
			}
		})
	}
	if total < 200 || accepted < 60 {
		t.Errorf("%d vectors, %d of them to be accepted", total, accepted)
	}
	t.Logf("%d vectors: %d accepted, %d refused", total, accepted, total-accepted)
}

func TestUnsigned(t *testing.T) {
	s := newStand(t, noon)
	if _, err := s.Verify(t.Context(), order(), ""); fault.CodeOf(err) != fault.SignatureMissing || Signed(order()) {
		t.Errorf("unsigned: %v", err)
	}
}
