package sms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"suiyue/internal/gate/sms"
)

func templates(t testing.TB, text string, change func(map[string]any)) (*sms.Templates, error) {
	t.Helper()
	in := map[string]any{"signature": "穗约", "templates": []any{map[string]any{"name": "sms.booked", "language": "zh-Hans", "id": "SMS_1", "text": text}}}
	if change != nil {
		change(in)
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return sms.ReadTemplates(strings.NewReader(string(b)))
}

func booked(values map[string]string) sms.Message {
	return sms.Message{To: "19900000001", Template: "sms.booked", Text: "ours", Reference: "r", Language: "zh-Hans", Values: values}
}

func TestAMessageIsSaidAsItWasApprovedOrNotAtAll(t *testing.T) {
	const text = "已预约${when}，预约码 ${code}。"
	good := map[string]string{"when": "11月30日", "code": "12345678", "hall": "not used"}
	for name, c := range map[string]struct {
		change func(*sms.Message)
		reason string // "" for said
	}{
		"as approved":            {func(*sms.Message) {}, ""},
		"another message":        {func(m *sms.Message) { m.Template = "sms.moved" }, "no approved template"},
		"another language":       {func(m *sms.Message) { m.Language = "en" }, "no approved template"},
		"no language":            {func(m *sms.Message) { m.Language = "" }, "no approved template"},
		"a value missing":        {func(m *sms.Message) { m.Values = map[string]string{"when": "x"} }, "value missing"},
		"no values":              {func(m *sms.Message) { m.Values = nil }, "value missing"},
		"a value of spaces":      {func(m *sms.Message) { m.Values = map[string]string{"when": " ", "code": "1"} }, "value missing"},
		"a value too long":       {func(m *sms.Message) { m.Values = map[string]string{"when": strings.Repeat("长", 21), "code": "1"} }, "value too long"},
		"a value that signs":     {func(m *sms.Message) { m.Values = map[string]string{"when": "【银行】", "code": "1"} }, "bracket in value"},
		"a value that is braces": {func(m *sms.Message) { m.Values = map[string]string{"when": "${code}", "code": "1"} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			book, err := templates(t, text, func(in map[string]any) { in["value_most"] = 20 })
			if err != nil {
				t.Fatal(err)
			}
			m := booked(good)
			c.change(&m)
			var handed []sms.Message
			_, err = sms.Approved{Sender: sender(func(m sms.Message) { handed = append(handed, m) }), Templates: book}.Send(t.Context(), m)
			if c.reason != "" {
				if sms.ClassOf(err) != sms.Unsuited || !strings.HasSuffix(fmt.Sprint(err), ": "+c.reason) || len(handed) != 0 {
					t.Errorf("%v, %d handed on", err, len(handed))
				}
				return
			}
			want := "【穗约】已预约" + m.Values["when"] + "，预约码 " + m.Values["code"] + "。"
			if err != nil || len(handed) != 1 || handed[0].Text != want {
				t.Errorf("%v, %+q", err, handed)
			}
			made, err := book.Make(m)
			if err != nil || made.Template != "SMS_1" || made.Signature != "穗约" || made.Text != want || len(made.Values) != 2 {
				t.Errorf("%+v %v", made, err)
			}
		})
	}
}

// sender is a Sender that takes everything.
type sender func(sms.Message)

func (s sender) Send(_ context.Context, m sms.Message) (sms.Receipt, error) {
	s(m)
	return sms.Receipt{ID: "1"}, nil
}

func TestTemplatesNoCarrierApprovesAreRefused(t *testing.T) {
	one := func(change func(map[string]any)) func(map[string]any) {
		return func(in map[string]any) { change(in["templates"].([]any)[0].(map[string]any)) }
	}
	for name, c := range map[string]struct {
		text   string
		change func(map[string]any)
	}{
		"a name of spaces":          {"x", one(func(m map[string]any) { m["name"] = "a b" })},
		"no language":               {"x", one(func(m map[string]any) { m["language"] = "" })},
		"a strange id":              {"x", one(func(m map[string]any) { m["id"] = "a&b" })},
		"another field":             {"x", one(func(m map[string]any) { m["secret"] = "x" })},
		"no text":                   {" ", nil},
		"too long":                  {strings.Repeat("长", sms.MaxText+1), nil},
		"its own signature":         {"【银行】x", nil},
		"a variable of strange":     {"${wh en}", nil},
		"a variable without end":    {"${when", nil},
		"a variable without name":   {"${}", nil},
		"a signature of one":        {"x", func(in map[string]any) { in["signature"] = "穗" }},
		"a signature too long":      {"x", func(in map[string]any) { in["signature"] = strings.Repeat("穗", 17) }},
		"a signature with brackets": {"x", func(in map[string]any) { in["signature"] = "【穗约】" }},
		"no templates":              {"x", func(in map[string]any) { in["templates"] = []any{} }},
		"two of one":                {"x", func(in map[string]any) { l := in["templates"].([]any); in["templates"] = append(l, l[0]) }},
		"values of less than none":  {"x", func(in map[string]any) { in["value_most"] = -1 }},
	} {
		if _, err := templates(t, c.text, c.change); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestATemplateSaysAllThatItsMessageSays(t *testing.T) {
	sentences := map[string]string{"sms.booked": "【穗约】{when} {code} {when}"}
	for text, want := range map[string]struct {
		lacking []string
		wrong   string
	}{
		"${code}在${when}":        {nil, ""},
		"${when}":                {nil, "lacks ${code}"},
		"${code}${when}${hall}":  {nil, "has ${hall}, which its message does not"},
		"${code}${when}${code}。": {nil, ""},
	} {
		book, err := templates(t, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		lacking, err := book.Lacking("zh-Hans", sentences, true)
		if !reflect.DeepEqual(lacking, want.lacking) || (err == nil) != (want.wrong == "") || err != nil && !strings.Contains(err.Error(), want.wrong) {
			t.Errorf("%s: %v %v", text, lacking, err)
		}
		if lacking, _ := book.Lacking("en", sentences, true); !reflect.DeepEqual(lacking, []string{"sms.booked"}) {
			t.Errorf("%s in English: %v", text, lacking)
		}
	}
	bare, err := templates(t, "${code}${when}", func(in map[string]any) { in["templates"].([]any)[0].(map[string]any)["id"] = "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Lacking("zh-Hans", sentences, false); err != nil {
		t.Error(err)
	}
	if _, err := bare.Lacking("zh-Hans", sentences, true); err == nil {
		t.Error("a template without an id was taken for a carrier that is told ids")
	}
}

// cut counts parts by cutting, as a phone puts them together: it knows nothing of Segments.
func cut(text string) (parts int) {
	units := utf16.Encode([]rune(text))
	if len(units) <= 70 {
		return min(len(units), 1)
	}
	for len(units) > 0 {
		n := min(67, len(units))
		if n < len(units) && utf16.IsSurrogate(rune(units[n-1])) && units[n-1] < 0xdc00 {
			n--
		}
		units = units[n:]
		parts++
	}
	return parts
}

func TestPartsAreCountedWithTheSignature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signature := rapid.StringOfN(rapid.SampledFrom([]rune("穗约广州政务A1😀")), 2, 16, -1).Draw(t, "signature")
		value := rapid.StringOfN(rapid.SampledFrom([]rune("长a1，。😀𠮷")), 1, 400, -1).Draw(t, "value")
		in := fmt.Sprintf(`{"signature":%q,"templates":[{"name":"sms.booked","language":"zh-Hans","text":"已预约${when}。"}]}`, signature)
		book, err := sms.ReadTemplates(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		made, err := book.Make(booked(map[string]string{"when": value}))
		if err != nil {
			t.Fatal(err)
		}
		if want := "【" + signature + "】已预约" + value + "。"; made.Text != want {
			t.Fatalf("%q", made.Text)
		}
		if got, want := sms.Segments(made.Text), cut(made.Text); got != want {
			t.Fatalf("%d parts, cut into %d", got, want)
		}
		if bare := sms.Segments("已预约" + value + "。"); bare > sms.Segments(made.Text) {
			t.Fatalf("%d parts without the signature, fewer with it", bare)
		}
	})
}
