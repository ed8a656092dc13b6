package sign

import (
	"testing"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// What is read is read in one way: written again and read again it says the same.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		`sig1=("@method" "@query-param";name="Pet" "x";bs);created=1;nonce="a\"b\\";keyid="k";alg="ed25519"`, `a=:AAA=:, b=?1;x, c`, `a=1.5, b=@12, c=*tok/en:x`, `a=(), b=( 1   2 );p`, `a=-999999999999999`, `sha-256=:AA==:`, `a,`, `a=:AAB=:`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		first, err := parseDictionary([]string{line})
		if err != nil {
			return
		}
		write := func(list []member) (out []string) {
			for _, m := range list {
				if m.isList {
					out = append(out, m.key+"="+writeList(m.list, m.params))
				} else {
					out = append(out, m.key+"="+m.one.String())
				}
			}
			return out
		}
		once := write(first)
		second, err := parseDictionary(once)
		if err != nil {
			t.Fatalf("%q was read, and is not when written as %q", line, once)
		}
		for n, again := range write(second) {
			if again != once[n] {
				t.Fatalf("%q reads as %q, then as %q", line, once[n], again)
			}
		}
	})
}

// Nothing that a stranger makes up is accepted, and every refusal has a code of its own.
func FuzzVerify(f *testing.F) {
	f.Add(`sig1=("@method" "@target-uri" "content-digest");created=1796097600;nonce="12345678";keyid="K1"`, `sig1=:AAAA:`, "K1", "12345678")
	f.Add(`a=();keyid="K1"`, `a=:AAAA:`, "", "")
	keys := map[string]*Key{}
	for _, p := range oversight.Profiles {
		keys[string(p)] = keyOf(f, p, string(p))
	}
	keys["K1"] = keys["ed25519"]
	f.Fuzz(func(t *testing.T, input, value, id, nonce string) {
		s := newStand(t, noon)
		s.keys = keys
		for _, fields := range []map[string][]string{
			{"signature-input": {input}, "signature": {value}},
			{gatewayID: {id}, gatewayTime: {"1796097600"}, gatewayNonce: {nonce}, gatewaySum: {value}},
		} {
			m := order()
			for name, lines := range fields {
				m.Fields[name] = lines
			}
			k, err := s.Verify(t.Context(), m, "")
			if k != nil || err == nil || fault.CodeOf(err) == fault.InternalError {
				t.Fatalf("accepted, or refused without a code: %v", err)
			}
		}
	})
}
