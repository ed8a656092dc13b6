package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Template is one wording that a carrier has approved.
type Template struct {
	Name     string `json:"name"`     // as Message.Template
	Language string `json:"language"` // as Message.Language
	ID       string `json:"id"`       // what the carrier calls it; a carrier that is given whole texts has none
	Text     string `json:"text"`     // as approved, without the signature: ${variable} where a value stands
}

// Templates are the signature and the wordings that one account of a carrier has approved.
type Templates struct {
	signature string
	most      int // characters of a value, 0 for no limit
	list      map[[2]string]wording
}

// wording is a template taken apart: a text, then a variable and a text again and again.
type wording struct {
	id    string
	texts []string // one more than variables
	names []string
}

// Made is a message as a carrier has approved it.
type Made struct {
	Signature string            // without brackets
	Template  string            // what the carrier calls it
	Values    map[string]string // of its variables, and of no others
	Text      string            // as it is read, signature first: what is counted
}

const (
	leastSignature, mostSignature = 2, 16 // characters
	mostTemplates                 = 1000
)

// OpenTemplates reads a file of templates. It holds no secret.
func OpenTemplates(path string) (*Templates, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("sms: templates: %w", err)
	}
	defer f.Close()
	return ReadTemplates(f)
}

// ReadTemplates reads templates as JSON: {"signature": …, "value_most": …, "templates": [Template, …]}. The first thing that no carrier
// would have approved is refused.
func ReadTemplates(r io.Reader) (*Templates, error) {
	var in struct {
		Signature string     `json:"signature"`
		Most      int        `json:"value_most"` // characters a value may have, 0 for no limit
		Templates []Template `json:"templates"`
	}
	d := json.NewDecoder(io.LimitReader(r, 4<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("sms: templates are no JSON as the operating guide has it: %w", err)
	}
	n := utf8.RuneCountInString(in.Signature)
	switch {
	case n < leastSignature || n > mostSignature || strings.ContainsAny(in.Signature, "【】[] \n${}"):
		return nil, fmt.Errorf("sms: a signature has %d to %d characters, without brackets", leastSignature, mostSignature)
	case in.Most < 0 || in.Most > MaxText:
		return nil, fmt.Errorf("sms: value_most lies between 0 and %d", MaxText)
	case len(in.Templates) == 0 || len(in.Templates) > mostTemplates:
		return nil, fmt.Errorf("sms: 1 to %d templates are wanted", mostTemplates)
	}
	t := &Templates{signature: in.Signature, most: in.Most, list: map[[2]string]wording{}}
	for _, one := range in.Templates {
		w, err := one.take()
		key := [2]string{one.Name, one.Language}
		if _, twice := t.list[key]; err == nil && twice {
			err = errors.New("is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("sms: template %q in %q %w", one.Name, one.Language, err)
		}
		t.list[key] = w
	}
	return t, nil
}

// take takes a template apart.
func (t Template) take() (w wording, err error) {
	switch {
	case !validName(t.Name, nameAlphabet):
		return w, errors.New("has a name no message has")
	case !validName(t.Language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"):
		return w, errors.New("names no language")
	case t.ID != "" && !validName(t.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"):
		return w, errors.New("has an id of strange characters")
	case strings.TrimSpace(t.Text) == "" || utf8.RuneCountInString(t.Text) > MaxText || !utf8.ValidString(t.Text):
		return w, fmt.Errorf("has no text, or one of more than %d characters", MaxText)
	case strings.ContainsAny(t.Text, "【】"):
		return w, errors.New("holds a bracket of signatures: the signature is added to it")
	}
	w.id = t.ID
	rest := t.Text
	for {
		before, after, is := strings.Cut(rest, "${")
		w.texts = append(w.texts, before)
		if !is {
			return w, nil
		}
		name, after, is := strings.Cut(after, "}")
		if !is || !validName(name, variableAlphabet) {
			return w, errors.New("has a variable that is not ${name}")
		}
		w.names, rest = append(w.names, name), after
	}
}

// Variables lists what stands in braces in a sentence of ours, each once, sorted.
func Variables(sentence string) []string {
	names := map[string]bool{}
	for {
		_, after, is := strings.Cut(sentence, "{")
		if !is {
			return slices.Sorted(maps.Keys(names))
		}
		name, after, is := strings.Cut(after, "}")
		if is {
			names[name] = true
		}
		sentence = after
	}
}

// Signature is what stands before every text.
func (t *Templates) Signature() string { return t.signature }

// Lacking compares the templates with the sentences they stand for, by name: it returns the names without a template in that
// language. A template of theirs that lacks a variable of its sentence, or has another, would leave people without what they have to know: it is an
// error. So is one without an id, where the carrier is told ids.
func (t *Templates) Lacking(language string, sentences map[string]string, ids bool) (lacking []string, err error) {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(sentences)) {
		w, ok := t.list[[2]string{name, language}]
		if !ok {
			lacking = append(lacking, name)
			continue
		}
		has, want := slices.Compact(slices.Sorted(slices.Values(w.names))), Variables(sentences[name])
		for _, v := range want {
			if !slices.Contains(has, v) {
				wrong = append(wrong, fmt.Errorf("sms: template %q in %q lacks ${%s}", name, language, v))
			}
		}
		for _, v := range has {
			if !slices.Contains(want, v) {
				wrong = append(wrong, fmt.Errorf("sms: template %q in %q has ${%s}, which its message does not", name, language, v))
			}
		}
		if ids && w.id == "" {
			wrong = append(wrong, fmt.Errorf("sms: template %q in %q has no id", name, language))
		}
	}
	return lacking, errors.Join(wrong...)
}

// Make says a message as it was approved. What cannot be said so is Unsuited: it is never sent in other words.
func (t *Templates) Make(m Message) (Made, error) {
	refuse := func(reason string) (Made, error) { return Made{}, Refuse(Unsuited, reason, nil) }
	w, ok := t.list[[2]string{m.Template, m.Language}]
	if !ok {
		return refuse("no approved template")
	}
	out := Made{Signature: t.signature, Template: w.id, Values: make(map[string]string, len(w.names))}
	var b strings.Builder
	b.WriteString("【" + t.signature + "】")
	for i, text := range w.texts {
		b.WriteString(text)
		if i == len(w.names) {
			break
		}
		v, ok := m.Values[w.names[i]]
		switch {
		case !ok || strings.TrimSpace(v) == "":
			return refuse("value missing")
		case strings.ContainsAny(v, "【】"): // it would read as somebody else's signature
			return refuse("bracket in value")
		case t.most > 0 && utf8.RuneCountInString(v) > t.most:
			return refuse("value too long")
		}
		out.Values[w.names[i]] = v
		b.WriteString(v)
	}
	out.Text = b.String()
	if utf8.RuneCountInString(out.Text) > MaxText {
		return refuse("text too long")
	}
	return out, nil
}

// Approved is a Sender that says every message as its carrier has approved it, or not at all.
type Approved struct {
	Sender
	Templates *Templates
}

// Send implements Sender.
func (a Approved) Send(ctx context.Context, m Message) (Receipt, error) {
	if err := m.Check(); err != nil {
		return Receipt{}, err
	}
	made, err := a.Templates.Make(m)
	if err != nil {
		return Receipt{}, err
	}
	m.Text = made.Text
	return a.Sender.Send(ctx, m)
}

// Well implements Health.
func (a Approved) Well() (bool, string) {
	if h, ok := a.Sender.(Health); ok {
		return h.Well()
	}
	return true, ""
}

// Close closes the Sender where it can be closed.
func (a Approved) Close() error {
	if c, ok := a.Sender.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
