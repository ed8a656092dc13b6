package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// What standards publish: RFC 9421 (appendix B and the examples of its text), RFC 9530 and GB/T 32918.5.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "="))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testRequest is the request of RFC 9421, appendix B.2.
func testRequest() *Message {
	return &Message{
		Method: "POST", Scheme: "https", Authority: "example.com", Path: "/foo", Query: "param=Value&Pet=dog", Asked: true, Body: []byte(`{"hello": "world"}`),
		Fields: map[string][]string{
			"host": {"example.com"}, "date": {"Tue, 20 Apr 2021 02:07:55 GMT"}, "content-type": {"application/json"}, "content-length": {"18"},
			"content-digest": {"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
		},
	}
}

func publishedEd25519(t testing.TB) *Key {
	return &Key{ID: "test-key-ed25519", Profile: oversight.Ed25519, Public: unbase64(t, "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"), Private: unbase64(t, "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU")}
}

func publishedHMAC(t testing.TB) *Key {
	return &Key{ID: "test-shared-secret", Profile: oversight.HMACSHA256, Secret: unbase64(t, "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")}
}

// read returns the only signature of a message's fields.
func read(t testing.TB, m *Message, input, value string) signature {
	t.Helper()
	m.Fields["signature-input"], m.Fields["signature"] = []string{input}, []string{value}
	list, err := signatures(m)
	if err != nil || len(list) != 1 {
		t.Fatalf("read: %d, %v", len(list), err)
	}
	return list[0]
}

func TestRFC9421AppendixB(t *testing.T) {
	proxied := testRequest()
	proxied.Authority = "service.internal.example"
	const cert = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:"
	proxied.Fields["client-cert"] = []string{cert}
	for _, v := range []struct {
		name, input, value string
		m                  *Message
		base               []string // without the last line
		key                *Key     // nil: of an algorithm that is not spoken here
	}{
		{"B.2.1", `sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`, "sig-b21=:AA==:", testRequest(), nil, nil},
		{"B.2.2", `sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`, "sig-b22=:AA==:", testRequest(), []string{
			`"@authority": example.com`, `"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:`, `"@query-param";name="Pet": dog`}, nil},
		{"B.2.3", `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`, "sig-b23=:AA==:", testRequest(), []string{
			`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@method": POST`, `"@path": /foo`, `"@query": ?param=Value&Pet=dog`, `"@authority": example.com`, `"content-type": application/json`,
			`"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:`, `"content-length": 18`}, nil},
		{"B.2.5", `sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`, "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:", testRequest(), []string{
			`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@authority": example.com`, `"content-type": application/json`}, publishedHMAC(t)},
		{"B.2.6", `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
			"sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:", testRequest(), []string{
				`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@method": POST`, `"@path": /foo`, `"@authority": example.com`, `"content-type": application/json`, `"content-length": 18`}, publishedEd25519(t)},
		{"B.3", `ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"`, "ttrp=:AA==:", proxied, []string{
			`"@path": /foo`, `"@query": ?param=Value&Pet=dog`, `"@method": POST`, `"@authority": service.internal.example`, `"client-cert": ` + cert}, nil},
	} {
		s := read(t, v.m, v.input, v.value)
		_, says, _ := strings.Cut(v.input, "=")
		want := strings.Join(append(v.base, `"@signature-params": `+says), "\n")
		base, err := v.m.base(s.covered, s.params)
		if err != nil || base != want {
			t.Errorf("%s: base\n%s\n%v; want\n%s", v.name, base, err, want)
		}
		if v.key == nil {
			continue
		}
		if !v.key.verifies([]byte(base), s.value) {
			t.Errorf("%s is refused", v.name)
		}
		if sum, err := v.key.sign([]byte(base)); err != nil || string(sum) != string(s.value) {
			t.Errorf("%s: signed %x, %v", v.name, sum, err)
		}
		if v.key.verifies([]byte(base+" "), s.value) || v.key.verifies([]byte(base), append(s.value, 0)) {
			t.Errorf("%s is accepted with a byte more", v.name)
		}
	}
	// None of them covers what a request must be covered by here.
	m := testRequest()
	read(t, m, `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
		"sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:")
	v := newStand(t, time.Unix(1618884473, 0))
	v.keys["test-key-ed25519"] = publishedEd25519(t)
	v.keys["test-key-ed25519"].Until = time.Unix(1618884473+60, 0)
	if _, err := v.Verify(t.Context(), m, ""); fault.CodeOf(err) != fault.SignatureIncomplete {
		t.Errorf("B.2.6: %v", err)
	}
}

// RFC 9421, appendix B.4: which changes on the way a signature survives.
func TestRFC9421Transformations(t *testing.T) {
	demo := func(change func(m *Message)) *Message {
		m := &Message{Method: "GET", Scheme: "https", Authority: "example.org", Path: "/demo", Query: "name1=Value1&Name2=value2", Asked: true, Fields: map[string][]string{
			"date": {"Fri, 15 Jul 2022 14:24:55 GMT"}, "accept": {"application/json", "*/*"}}}
		if change != nil {
			change(m)
		}
		return m
	}
	for name, v := range map[string]struct {
		m    *Message
		good bool
	}{
		"as signed":     {demo(nil), true},
		"a field added": {demo(func(m *Message) { m.Query += "&param=added"; m.Fields["accept-language"] = []string{"en-US,en;q=0.5"} }), true},
		"lines combined": {demo(func(m *Message) {
			m.Fields = map[string][]string{"referer": {"https://developer.example.org/demo"}, "accept": {"application/json, */*"}}
		}), true},
		"method and authority changed": {demo(func(m *Message) { m.Method, m.Authority = "POST", "example.com" }), false},
		"values reordered":             {demo(func(m *Message) { m.Fields["accept"] = []string{"*/*", "application/json"} }), false},
	} {
		s := read(t, v.m, `transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`,
			"transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:")
		base, err := v.m.base(s.covered, s.params)
		if err != nil || publishedEd25519(t).verifies([]byte(base), s.value) != v.good {
			t.Errorf("%s: good %t, want %t (%v)\n%s", name, !v.good, v.good, err, base)
		}
	}
}

// The examples of RFC 9421, section 2.
func TestRFC9421Components(t *testing.T) {
	m := &Message{Method: "POST", Scheme: "https", Authority: "WWW.Example.com:443", Path: "/path", Query: "param=value", Asked: true, Fields: map[string][]string{
		"x-ows-header":   {"  Leading and trailing whitespace.   "},
		"cache-control":  {"max-age=60", "   must-revalidate"},
		"empty-header":   {""},
		"example-header": {"value, with, lots", "of, commas"},
	}}
	params := &Message{Path: "/parameters", Query: "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2&empty=&qux=", Asked: true}
	bs := []param{{"bs", value{kind: isBoolean, text: "?1"}}}
	query := func(name string) item { return item{text("@query-param"), []param{{"name", text(name)}}} }
	for _, c := range []struct {
		m    *Message
		i    item
		want string
		code fault.Code
	}{
		{m, item{value: text("@method")}, "POST", ""},
		{m, item{value: text("@target-uri")}, "https://www.example.com/path?param=value", ""},
		{m, item{value: text("@authority")}, "www.example.com", ""},
		{m, item{value: text("@scheme")}, "https", ""},
		{m, item{value: text("@request-target")}, "/path?param=value", ""},
		{m, item{value: text("@path")}, "/path", ""},
		{m, item{value: text("@query")}, "?param=value", ""},
		{&Message{}, item{value: text("@query")}, "?", ""},
		{&Message{}, item{value: text("@path")}, "/", ""},
		{&Message{Asked: true}, item{value: text("@request-target")}, "/?", ""},
		{m, item{value: text("x-ows-header")}, "Leading and trailing whitespace.", ""},
		{m, item{value: text("cache-control")}, "max-age=60, must-revalidate", ""},
		{m, item{value: text("empty-header")}, "", ""},
		{m, item{text("example-header"), bs}, ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:", ""},
		{params, query("var"), "this%20is%20a%20big%0Amultiline%20value", ""},
		{params, query("bar"), "with%20plus%20whitespace", ""},
		{params, query("fa%C3%A7ade%22%3A%20"), "something", ""},
		{params, query("qux"), "", ""},
		{params, query("twice"), "", fault.SignaturePartAbsent},
		{params, query("none"), "", fault.SignaturePartAbsent},
		{m, item{value: text("@status")}, "", fault.SignaturePartUnknown},
		{m, item{text("@method"), bs}, "", fault.SignaturePartUnknown},
		{m, item{text("cache-control"), []param{{"sf", value{kind: isBoolean, text: "?1"}}}}, "", fault.SignaturePartUnknown},
		{m, item{value: text("Cache-Control")}, "", fault.SignatureMalformed},
		{m, item{value: text("none")}, "", fault.SignaturePartAbsent},
		{m, item{value: value{kind: isToken, text: "date"}}, "", fault.SignatureMalformed},
	} {
		got, err := c.m.component(c.i)
		if got != c.want || fault.CodeOf(err) != c.code {
			t.Errorf("%s: %q, %v; want %q, %q", c.i, got, err, c.want, c.code)
		}
	}
}

func TestRFC9530Digests(t *testing.T) {
	full := "{\"hello\": \"world\"}\n"
	for _, c := range []struct {
		field, body string
		want        fault.Code
	}{
		{"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", full, ""},
		{"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "", ""},
		{"sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:", "\"world\"}\n", ""},
		{"sha-256=:mEkdbO7Srd9LIOegftO0aBX+VPTVz7/CSHes2Z27gc4=:", "{\"title\": \"New Title\"}\n", ""},
		{"sha-256=:uVSlinTTdQUwm2On4k8TJUikGN1bf/Ds8WPX4oe0h9I=:", "{\n  \"id\": \"123\",\n  \"title\": \"New Title\"\n}\n", ""},
		{"sha-256=:EXB0S2VF2H7ijkAVJkH1Sm0pBho0iDZcvVUHHXTTZSA=:", "{\n  \"title\": \"Not Found\",\n  \"detail\": \"Cannot PATCH a non-existent resource\",\n  \"status\": 404\n}\n", ""},
		{"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:", `{"hello": "world"}`, ""},
		{"md5=:AAAA:, sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", full, ""},
		{"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", full + " ", fault.SignatureDigestWrong},
		{"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, sha-512=:AAAA:", full, fault.SignatureDigestWrong},
		{"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:", full, fault.SignatureMalformed}, // as B.5, B.6 and B.11 print it: a padding too much
		{"sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=", full, fault.SignatureMalformed},
		{"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, sha-256=:AAAA:", full, fault.SignatureMalformed},
		{"md5=:AAAA:", full, fault.SignatureIncomplete},
		{"", full, fault.SignatureIncomplete},
	} {
		if err := CheckDigest([]string{c.field}, []byte(c.body)); fault.CodeOf(err) != c.want {
			t.Errorf("%s of %q: %v, want %q", c.field, c.body, err, c.want)
		}
	}
	if d := Digest([]byte(full)); d != "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:" {
		t.Error(d)
	}
}

// GB/T 32918.5, annex A: a signature of "message digest" on the recommended curve.
func TestGBT32918Sample(t *testing.T) {
	scalar := unhex(t, "3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8")
	private, err := sm2.NewPrivateKey(scalar)
	if err != nil {
		t.Fatal(err)
	}
	point := unhex(t, "04 09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020 CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13")
	if private.X.Cmp(new(big.Int).SetBytes(point[1:33])) != 0 {
		t.Error("another public key")
	}
	k := &Key{Profile: oversight.SM2, Public: point, Private: scalar}
	sum := unhex(t, "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3 B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA")
	if !k.verifies([]byte("message digest"), sum) {
		t.Error("the sample is refused")
	}
	for n := range sum {
		bad := append([]byte{}, sum...)
		bad[n] ^= 1
		if k.verifies([]byte("message digest"), bad) {
			t.Errorf("byte %d changed: accepted", n)
		}
	}
	if k.verifies([]byte("message digest "), sum) {
		t.Error("another message is accepted")
	}
	if own, err := k.sign([]byte("message digest")); err != nil || !k.verifies([]byte("message digest"), own) {
		t.Errorf("signed by ourselves: %v", err)
	}
}

// The published key is what its seed makes.
func TestPublishedKeyBelongsToItsSeed(t *testing.T) {
	k := publishedEd25519(t)
	if public := ed25519.NewKeyFromSeed(k.Private).Public().(ed25519.PublicKey); string(public) != string(k.Public) {
		t.Error("another key")
	}
}
