package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"suiyue/internal/domain/fault"
)

// Passwords are kept as argon2id: 19 MiB, two passes, one thread.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// hasher makes and checks hashes of passwords, a few at a time: each takes memory and a core.
type hasher struct{ slots chan struct{} }

func newHasher() hasher { return hasher{make(chan struct{}, max(2, runtime.NumCPU()))} }

func (h hasher) run(ctx context.Context, password string, salt []byte, memory, passes uint32, lanes uint8, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Busy, ctx.Err()).After(time.Second)
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, passes, memory, lanes, size), nil
}

// hash returns what is kept of a password.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := h.run(ctx, password, salt, argonMemory, argonTime, argonLanes, argonKey)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// verify tells whether a password is the one kept. With nothing kept it takes as long and says no, so
// that nobody learns from the time whether there is an account.
func (h hasher) verify(ctx context.Context, password, kept string) (bool, error) {
	var version, memory, passes uint32
	var lanes uint8
	part := strings.Split(kept, "$")
	var salt, key []byte
	if len(part) == 6 && part[1] == "argon2id" {
		_, err1 := fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes)
		var err2, err3 error
		salt, err2 = base64.RawStdEncoding.DecodeString(part[4])
		key, err3 = base64.RawStdEncoding.DecodeString(part[5])
		if err1 != nil || err2 != nil || err3 != nil || version != argon2.Version || len(key) == 0 {
			return false, fault.New(fault.InternalError)
		}
	}
	if key == nil {
		_, err := h.run(ctx, password, make([]byte, argonSalt), argonMemory, argonTime, argonLanes, argonKey)
		return false, err
	}
	got, err := h.run(ctx, password, salt, memory, passes, lanes, uint32(len(key)))
	return err == nil && subtle.ConstantTimeCompare(got, key) == 1, err
}
