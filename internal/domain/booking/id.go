package booking

// Crockford's base 32: no I, L, O or U, and in ASCII order, so that ids sort as their numbers do.
const idDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const idLength = 8

// MaxNumber is the highest booking number an id can hold: 40 bits.
const MaxNumber = 1<<(5*idLength) - 1

// IDOf writes booking number n as an id: 8 characters that sort as the numbers do. Numbers are dense;
// what people are told is the code the vault makes of it, which cannot be guessed.
func IDOf(n uint64) string {
	if n > MaxNumber {
		panic("booking: number above 40 bits")
	}
	var b [idLength]byte
	for i := idLength - 1; i >= 0; i-- {
		b[i] = idDigits[n&31]
		n >>= 5
	}
	return string(b[:])
}

// NumberOfID reads an id back; false for anything IDOf would not have written.
func NumberOfID(id string) (uint64, bool) {
	if len(id) != idLength {
		return 0, false
	}
	var n uint64
	for i := range idLength {
		v := idValue[id[i]]
		if v < 0 {
			return 0, false
		}
		n = n<<5 | uint64(v)
	}
	return n, true
}

var idValue = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(idDigits) {
		t[idDigits[i]] = int8(i)
	}
	return t
}()
