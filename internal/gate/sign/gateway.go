package sign

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// The style of the provincial gateway: four fields, and a signature that is the hash of timestamp, secret, nonce and
// timestamp in upper case. That hash says nothing of the request, so here the nonce does: it ends with a hyphen and
// the hash of method, address and body. Whoever speaks to the provincial gateway signs with what they have.

const (
	gatewayPrefix = "x-tif-"
	gatewayID     = gatewayPrefix + "paasid"
	gatewayTime   = gatewayPrefix + "timestamp" // seconds since 1970
	gatewayNonce  = gatewayPrefix + "nonce"
	gatewaySum    = gatewayPrefix + "signature"
)

func isGateway(m *Message) bool {
	for name := range m.Fields {
		if strings.HasPrefix(name, gatewayPrefix) {
			return true
		}
	}
	return false
}

func gatewayHash(p oversight.Profile) func() hash.Hash {
	if p == oversight.GatewaySM3 {
		return sm3.New
	}
	return sha256.New
}

func sumOf(h func() hash.Hash, text string) string {
	s := h()
	s.Write([]byte(text))
	return hex.EncodeToString(s.Sum(nil))
}

// gatewayRequest is the hash of what is asked: method, host, path with query and body, each on a line.
func gatewayRequest(p oversight.Profile, m *Message) string {
	return sumOf(gatewayHash(p), m.Method+"\n"+m.authority()+"\n"+m.target()+"\n"+string(m.Body))
}

func gatewaySignature(k *Key, timestamp, nonce string) string {
	return strings.ToUpper(sumOf(gatewayHash(k.Profile), timestamp+string(k.Secret)+nonce+timestamp))
}

func isHex(s string, upper bool) bool {
	for n := range len(s) {
		if c := s[n]; !isDigit(c) && (upper && (c < 'A' || c > 'F') || !upper && (c < 'a' || c > 'f')) {
			return false
		}
	}
	return len(s) == 64
}

// isDrawn tells whether the drawn part of a nonce has a good length and nothing but letters and digits. No other
// character: what is hashed must be readable in one way only, and a hash be extendable in none.
func isDrawn(s string) bool {
	for n := range len(s) {
		if !isAlpha(s[n]) && !isDigit(s[n]) {
			return false
		}
	}
	return len(s) >= leastNonce && len(s) <= 63
}

func (v *Verifier) verifyGateway(ctx context.Context, m *Message, certificate string) (*Key, error) {
	malformed := fault.New(fault.SignatureMalformed)
	if len(m.Fields["signature"]) > 0 || len(m.Fields["signature-input"]) > 0 {
		return nil, malformed // two styles at once
	}
	var says [4]string
	for n, name := range []string{gatewayID, gatewayTime, gatewayNonce, gatewaySum} {
		line, ok := m.one(name)
		if !ok && len(m.Fields[name]) == 0 {
			return nil, fault.New(fault.SignatureMissing)
		}
		if !ok || line == "" {
			return nil, malformed
		}
		says[n] = line
	}
	id, timestamp, nonce, sum := says[0], says[1], says[2], says[3]
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || len(timestamp) != 10 || !isDigit(timestamp[0]) || !isHex(sum, true) {
		return nil, malformed
	}
	k, err := v.key(ctx, id, oversight.Profile.Gateway)
	if err != nil {
		return nil, err
	}
	drawn, request, bound := strings.Cut(nonce, "-")
	switch {
	case !bound:
		return nil, fault.New(fault.SignatureIncomplete, "part", gatewayNonce)
	case !isDrawn(drawn) || !isHex(request, false):
		return nil, malformed
	}
	if err := v.timely(seconds); err != nil {
		return nil, err
	}
	if len(k.Secret) == 0 || subtle.ConstantTimeCompare([]byte(sum), []byte(gatewaySignature(k, timestamp, nonce))) != 1 {
		return nil, fault.New(fault.SignatureWrong)
	}
	if subtle.ConstantTimeCompare([]byte(request), []byte(gatewayRequest(k.Profile, m))) != 1 {
		return nil, fault.New(fault.SignatureDigestWrong)
	}
	if err := k.goesWith(certificate); err != nil {
		return nil, err
	}
	if err := v.Nonces.Take(ctx, k.ID, nonce, time.Unix(seconds, 0).Add(v.Skew+keptBehind)); err != nil {
		return nil, err
	}
	return k, nil
}

// SignGateway returns the fields with which a message is signed in the gateway's style. drawn is 8 to 63 letters and
// digits, new with each request.
func (k *Key) SignGateway(m *Message, at time.Time, drawn string) map[string]string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	nonce := drawn + "-" + gatewayRequest(k.Profile, m)
	return map[string]string{gatewayID: k.ID, gatewayTime: timestamp, gatewayNonce: nonce, gatewaySum: gatewaySignature(k, timestamp, nonce)}
}
