package sms_test

import (
	"context"
	"testing"

	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/smstest"
)

// mood is a gateway that answers as it is told to.
type mood struct {
	class sms.Class // "" = accepts
	ill   bool
	asked int
}

func (m *mood) Send(context.Context, sms.Message) (sms.Receipt, error) {
	m.asked++
	if m.class != "" {
		return sms.Receipt{}, sms.Refuse(m.class, "mood", nil)
	}
	return sms.Receipt{ID: "1"}, nil
}

func (m *mood) Well() (bool, string) { return !m.ill, "mood" }

func TestWhatOneGatewayCannotAnotherDoesUnlessTheFirstMayHaveIt(t *testing.T) {
	for name, c := range map[string]struct {
		first, second mood
		gateway       string // that took it, "" for none
		class         sms.Class
		asked         [2]int
	}{
		"both well":               {mood{}, mood{}, "a", "", [2]int{1, 0}},
		"the first is ill":        {mood{ill: true}, mood{}, "b", "", [2]int{0, 1}},
		"both ill":                {mood{ill: true}, mood{ill: true}, "a", "", [2]int{1, 0}},
		"the first cannot":        {mood{class: sms.Temporary}, mood{}, "b", "", [2]int{1, 1}},
		"neither can":             {mood{class: sms.Temporary}, mood{class: sms.Temporary}, "", sms.Temporary, [2]int{1, 1}},
		"the first may have it":   {mood{class: sms.Unknown}, mood{}, "", sms.Unknown, [2]int{1, 0}},
		"nobody would take it":    {mood{class: sms.Permanent}, mood{}, "", sms.Permanent, [2]int{1, 0}},
		"not as the first has it": {mood{class: sms.Unsuited}, mood{}, "b", "", [2]int{1, 1}},
		"as neither has it":       {mood{class: sms.Unsuited}, mood{class: sms.Unsuited}, "", sms.Permanent, [2]int{1, 1}},
		"the other cannot now":    {mood{class: sms.Unsuited}, mood{class: sms.Temporary}, "", sms.Temporary, [2]int{1, 1}},
		"the other never":         {mood{class: sms.Temporary}, mood{class: sms.Unsuited}, "", sms.Temporary, [2]int{1, 1}},
		"ill, and the other hung": {mood{ill: true}, mood{class: sms.Unknown}, "", sms.Unknown, [2]int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := c.first, c.second
			r, err := sms.NewChain(sms.Gateway{Name: "a", Sender: &a}, sms.Gateway{Name: "b", Sender: &b}).Send(t.Context(), smstest.Good(1))
			if r.Gateway != c.gateway || err != nil && sms.ClassOf(err) != c.class || (err == nil) != (c.class == "") || [2]int{a.asked, b.asked} != c.asked {
				t.Errorf("%q %v, asked %d and %d", r.Gateway, err, a.asked, b.asked)
			}
		})
	}
}
