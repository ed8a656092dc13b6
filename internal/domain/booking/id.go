package booking

import "strings"

// Alphabet is Crockford's base 32: no I, L, O or U, and in the order of ASCII.
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IDs is how many booking numbers there are: 0 to IDs-1.
const IDs = 1 << 40

// IDOf writes a booking number below IDs as its id: 8 characters that sort as the numbers do. It is
// "", which no booking has, for any other number.
func IDOf(n uint64) string {
	if n >= IDs {
		return ""
	}
	var b [8]byte
	for i := range b {
		b[i] = Alphabet[n>>(35-5*i)&31]
	}
	return string(b[:])
}

// NumberOfID reads what IDOf wrote, and nothing else.
func NumberOfID(id string) (uint64, bool) {
	if len(id) != 8 {
		return 0, false
	}
	var n uint64
	for i := range len(id) {
		v := strings.IndexByte(Alphabet, id[i])
		if v < 0 {
			return 0, false
		}
		n = n<<5 | uint64(v)
	}
	return n, true
}
