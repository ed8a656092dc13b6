package cipher

import (
	stdcipher "crypto/cipher"
	"encoding/binary"
	"strings"

	"suiyue/internal/domain/booking"
)

// A booking code is a number below 2^40 sent through a permutation that only the code key knows,
// written as 8 characters of Crockford's base 32, and a check character. Numbers that follow each
// other give codes that have nothing in common, and no two give the same.

// CodeOf returns the code of a booking number below booking.IDs: 9 characters, "" for any other.
func (k *Keyring) CodeOf(n uint64) string {
	if n >= booking.IDs {
		return ""
	}
	id := booking.IDOf(k.ring.Load().code.forward(n))
	return id + string(checkCharacter(id))
}

// NumberOf reads a code as people type it: in either case, with spaces and hyphens anywhere, O for
// 0, I or L for 1. It is false for what is no code; any one wrong character, and any two exchanged,
// make it so. A code that reads well need not be that of a booking.
func (k *Keyring) NumberOf(code string) (uint64, bool) {
	code, ok := readCode(code)
	if !ok || checkCharacter(code[:8]) != code[8] {
		return 0, false
	}
	n, ok := booking.NumberOfID(code[:8])
	return k.ring.Load().code.back(n), ok
}

// FormatCode writes a code as it is shown: XXXX-XXXX-X. What is no code stays as it is.
func FormatCode(code string) string {
	if len(code) != 9 {
		return code
	}
	return code[:4] + "-" + code[4:8] + "-" + code[8:]
}

// readCode brings a typed code into the 9 characters of CodeOf.
func readCode(s string) (string, bool) {
	if len(s) > 64 {
		return "", false
	}
	var b []byte
	for _, r := range s {
		if 0xFF01 <= r && r <= 0xFF5E { // full-width
			r += '!' - 0xFF01
		}
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case ' ', '-', '\t', '\r', '\n', '\u3000', '\u2010', '\u2011', '\u2013', '\u2014':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(booking.Alphabet, r) || len(b) == 9 {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), len(b) == 9
}

// checkCharacter returns the character that makes a code a root of x+2 over the field of 32
// elements (x^5+x^2+1): two codes differ in more than one place and in more than an exchange.
func checkCharacter(body string) byte {
	sum := 0
	for i := range len(body) {
		sum = double(sum ^ strings.IndexByte(booking.Alphabet, body[i]))
	}
	return booking.Alphabet[sum]
}

func double(v int) int {
	v <<= 1
	if v&32 != 0 {
		v ^= 0b100101
	}
	return v
}

// permutation is a Feistel network of two halves of 20 bits with SM4 as the round function.
type permutation struct{ block stdcipher.Block }

const (
	rounds = 10
	half   = 1<<20 - 1
)

func (p permutation) forward(n uint64) uint64 {
	left, right := uint32(n>>20), uint32(n&half)
	var buf [16]byte
	for i := range rounds {
		left, right = right, left^p.round(&buf, i, right)
	}
	return uint64(left)<<20 | uint64(right)
}

func (p permutation) back(n uint64) uint64 {
	left, right := uint32(n>>20), uint32(n&half)
	var buf [16]byte
	for i := rounds - 1; i >= 0; i-- {
		left, right = right^p.round(&buf, i, left), left
	}
	return uint64(left)<<20 | uint64(right)
}

func (p permutation) round(buf *[16]byte, i int, v uint32) uint32 {
	*buf = [16]byte{'c', 'o', 'd', 'e', '/', '1', 15: byte(i)}
	binary.BigEndian.PutUint32(buf[8:], v)
	p.block.Encrypt(buf[:], buf[:])
	return binary.BigEndian.Uint32(buf[:]) & half
}
