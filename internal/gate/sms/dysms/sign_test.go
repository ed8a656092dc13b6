package dysms

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestThePublishedSignature is the worked example of the interface's manual (请求体&签名机制 V3, RunInstances of 2014-05-26).
func TestThePublishedSignature(t *testing.T) {
	r, err := http.NewRequest(http.MethodPost, "https://ecs.cn-shanghai.aliyuncs.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Acs-Action", "RunInstances")
	r.Header.Set("X-Acs-Version", "2014-05-26")
	r.Header.Set("X-Acs-Date", "2023-10-26T10:22:32Z")
	r.Header.Set("X-Acs-Signature-Nonce", "3156853299f313e23d1673dc12e1703d")
	query := encode(url.Values{"ImageId": {"win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}, "RegionId": {"cn-shanghai"}})
	sign(r, "ecs.cn-shanghai.aliyuncs.com", query, nil, "YourAccessKeyId", "YourAccessKeySecret")
	const want = "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("%s", got)
	}
}

func TestParametersAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		text := encode(url.Values{"a": {value}})
		if strings.ContainsAny(text, "+*") {
			t.Fatalf("%q", text)
		}
		back, err := url.ParseQuery(text)
		if err != nil || back.Get("a") != value {
			t.Fatalf("%q, %v", back.Get("a"), err)
		}
	})
}
