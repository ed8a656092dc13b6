package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"suiyue/internal/domain/fault"
)

// cursors seals places in lists, so that they tell nothing and cannot be made up. A cursor is bound
// to the list it comes from, with its filters, and to the person whose list it is.
type cursors struct{ aead cipher.AEAD }

// maxCursor bounds what is read as a cursor, in characters.
const maxCursor = 256

func newCursors(key []byte) cursors {
	if len(key) < 32 {
		panic("api: the key of cursors needs 32 bytes")
	}
	k := sha256.Sum256(append([]byte("cursor\x00"), key...))
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return cursors{aead}
}

// seal writes a place of a list; "" stays "".
func (c cursors) seal(list, place string) string {
	if place == "" {
		return ""
	}
	nonce := make([]byte, c.aead.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, []byte(place), []byte(list)))
}

// open reads it back: CursorInvalid for anything that seal has not written for this list.
func (c cursors) open(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	n := c.aead.NonceSize()
	if err != nil || len(cursor) > maxCursor || len(raw) < n {
		return "", fault.New(fault.CursorInvalid)
	}
	place, err := c.aead.Open(nil, raw[:n], raw[n:], []byte(list))
	if err != nil {
		return "", fault.New(fault.CursorInvalid)
	}
	return string(place), nil
}
