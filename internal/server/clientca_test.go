package server

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
	"suiyue/internal/store"
)

// issuer is who issues certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certificate is made by an issuer, nil for its own.
func certificate(t *testing.T, by *issuer, serial int64) (*issuer, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: by == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer := &issuer{c, key}
	if by != nil {
		signer = by
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{made, key}, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: made}
}

// A key that goes with a certificate: over a real connection, with it, without, and with one of another issuer.
func TestAClientCertificateIsCheckedAndBoundToItsKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, _ := certificate(t, nil, 1)
	other, _ := certificate(t, nil, 2)
	_, serving := certificate(t, ca, 3)
	_, good := certificate(t, ca, 4)
	_, second := certificate(t, ca, 5)
	_, foreign := certificate(t, other, 6)
	key, err := x509.MarshalPKCS8PrivateKey(serving.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c := cityConfig(t)
	c.TLSCert, c.TLSKey = file("cert.pem", pemBlock("CERTIFICATE", serving.Certificate[0])), file("key.pem", pemBlock("PRIVATE KEY", key))
	c.ClientCA = file("ca.pem", pemBlock("CERTIFICATE", ca.cert.Raw))
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r := start(t, c, nil)

	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(good.Certificate[0])
	now := r.app.Now()
	const id = "0123456789abcdef01234567"
	if err := r.db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.AddSource(t.Context(), oversight.Source{ID: "S0001", Seat: account.Seat{Unit: "440103000000", Kind: directory.District}, Name: "x", Kinds: oversight.RecordKinds, Delay: time.Minute, Silence: time.Hour, Since: calendar.DateOf(now), Version: 1}); err != nil {
			return err
		}
		return tx.AddClientKey(t.Context(), store.ClientKey{ClientKey: oversight.ClientKey{
			ID: id, SourceID: "S0001", Profile: oversight.Ed25519, Name: "x", Scopes: []oversight.ClientScope{oversight.ClientRead}, PerMinute: 100, Public: public,
			Certificate: hex.EncodeToString(sum[:]), From: now.Add(-time.Hour), Until: now.Add(time.Hour), MadeAt: now,
		}, Place: 1})
	}); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	k := &sign.Key{ID: id, Profile: oversight.Ed25519, Private: private.Seed()}
	ask := func(show []tls.Certificate, nonce string) (int, string, error) {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(show) == 0 {
				return &tls.Certificate{}, nil
			}
			return &show[0], nil
		}}}}
		defer client.CloseIdleConnections()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+"/api/v1/source", nil)
		if err != nil {
			t.Fatal(err)
		}
		input, value, err := k.Sign(sign.MessageOf(q, "https", nil), "s", []string{"@method", "@target-uri"}, sign.Params{Created: r.app.Now(), Nonce: "nonce of " + nonce})
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Signature-Input", input)
		q.Header.Set("Signature", value)
		answer, err := client.Do(q)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b), err
	}
	for n, c := range []struct {
		show   []tls.Certificate
		status int
		says   string
	}{{[]tls.Certificate{good}, 200, `"id":"S0001"`}, {nil, 401, "signature_certificate_wrong"}, {[]tls.Certificate{second}, 401, "signature_certificate_wrong"}} {
		status, body, err := ask(c.show, string(rune('a'+n)))
		if err != nil || status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%d: %d %s %v, want %d %s", n, status, body, err, c.status, c.says)
		}
	}
	if status, body, err := ask([]tls.Certificate{foreign}, "foreign"); err == nil {
		t.Errorf("a certificate of another issuer gets %d %s", status, body)
	}
}

func TestClientCAIsChecked(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ cert, ca, says string }{
		"without TLS": {"", empty, "--client-ca needs --tls-cert"}, "not there": {"cert.pem", "no.pem", "cannot be read"}, "empty": {"cert.pem", empty, "holds no certificate"},
	} {
		cfg := real()
		cfg.TLSCert, cfg.TLSKey, cfg.ClientCA = c.cert, c.cert, c.ca
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
