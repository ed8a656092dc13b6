// Command sign asks the platform something as a connected system does: it signs the request and prints the answer.
// It uses nothing but the standard library, so that what it does can be written in any language.
//
//	sign -url https://yuyue.example.org/api/v1/source -profile hmac-sha256 -key ID -secret-file FILE
//	sign -url … -profile ed25519 -key ID -private-file key.pem
//	sign -url … -profile gateway-sha256 -key ID -secret-file FILE
//
// With -body FILE it sends that as JSON.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("sign", flag.ContinueOnError)
	url := f.String("url", "", "what to ask")
	profile := f.String("profile", "hmac-sha256", "how to sign: hmac-sha256, ed25519 or gateway-sha256")
	key := f.String("key", "", "id of the key")
	secretFile := f.String("secret-file", "", "file that holds the secret, on one line")
	privateFile := f.String("private-file", "", "file that holds the private key, PKCS #8 as PEM")
	bodyFile := f.String("body", "", "file that is sent as JSON")
	idempotency := f.String("idempotency-key", "", "Idempotency-Key of a write")
	if err := f.Parse(args); err != nil {
		return err
	}
	method, body := http.MethodGet, []byte(nil)
	if *bodyFile != "" {
		var err error
		if body, err = os.ReadFile(*bodyFile); err != nil {
			return err
		}
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, *url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if *idempotency != "" {
		r.Header.Set("Idempotency-Key", *idempotency)
	}
	switch *profile {
	case "hmac-sha256":
		secret, err := line(*secretFile)
		if err != nil {
			return err
		}
		signMessage(r, body, *key, func(base []byte) []byte { return mac(secret, base) })
	case "ed25519":
		private, err := privateKey(*privateFile)
		if err != nil {
			return err
		}
		signMessage(r, body, *key, func(base []byte) []byte { return ed25519.Sign(private, base) })
	case "gateway-sha256":
		secret, err := line(*secretFile)
		if err != nil {
			return err
		}
		signGateway(r, body, *key, secret)
	default:
		return errors.New("no such profile")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(out, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return errors.New(answer.Status)
	}
	return nil
}

// signMessage signs a request with HTTP Message Signatures (RFC 9421). The order of the components is that of the lines.
func signMessage(r *http.Request, body []byte, key string, with func(base []byte) []byte) {
	names := []string{`"@method"`, `"@target-uri"`}
	lines := []string{`"@method": ` + r.Method, `"@target-uri": ` + r.URL.String()}
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
		r.Header.Set("Content-Digest", digest)
		names, lines = append(names, `"content-digest"`), append(lines, `"content-digest": `+digest)
	}
	params := fmt.Sprintf(`(%s);created=%d;keyid="%s";nonce="%s";tag="suiyue"`, strings.Join(names, " "), time.Now().Unix(), key, rand.Text())
	lines = append(lines, `"@signature-params": `+params)
	signature := with([]byte(strings.Join(lines, "\n")))
	r.Header.Set("Signature-Input", "suiyue="+params)
	r.Header.Set("Signature", "suiyue=:"+base64.StdEncoding.EncodeToString(signature)+":")
}

// signGateway signs a request in the style of the provincial gateway. The nonce ends with the hash of what is asked.
func signGateway(r *http.Request, body []byte, key, secret string) {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	timestamp := fmt.Sprint(time.Now().Unix())
	nonce := rand.Text() + "-" + hash(r.Method+"\n"+r.URL.Host+"\n"+r.URL.RequestURI()+"\n"+string(body))
	r.Header.Set("x-tif-paasid", key)
	r.Header.Set("x-tif-timestamp", timestamp)
	r.Header.Set("x-tif-nonce", nonce)
	r.Header.Set("x-tif-signature", strings.ToUpper(hash(timestamp+secret+nonce+timestamp)))
}

func mac(secret string, base []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(base)
	return m.Sum(nil)
}

func line(file string) (string, error) {
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)), err
}

func privateKey(file string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("the private key is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not of Ed25519")
	}
	return private, nil
}
