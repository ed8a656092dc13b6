package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/cmpp"
	"suiyue/internal/web"
)

// gatewayEntry is one entry of the file of --sms-gateways.
type gatewayEntry struct {
	Name      string `json:"name"`       // as counted and shown: [a-z0-9-], at most 16
	Driver    string `json:"driver"`     // cmpp
	Address   string `json:"address"`    // host:port
	Account   string `json:"account"`    // 6 characters
	Secret    string `json:"secret"`     //
	Service   string `json:"service"`    // at most 10 characters
	Number    string `json:"number"`     // the number people see
	Extension int    `json:"extension"`  // digits the contract lets us add to it, 0 or 2 to 9
	Window    int    `json:"window"`     // submits under way, 0 for 16
	PerSecond int    `json:"per_second"` // submits a second by contract, 0 for no limit
	Templates string `json:"templates"`  // a file of what is approved, beside this one unless it is a whole path; "" where every text is taken
}

// gateways are the carriers of the file, in its order.
type gateways struct{ chain *sms.Chain }

// keepReports records what a gateway reported; tag gives the tag of a reference.
type keepReports func(ctx context.Context, gateway string, list []app.SMSReport, tag func(reference string) string) error

// holdFor is how long a message that a gateway may have waits for its report before it is sent again. Gateways report
// within seconds of a phone that is on; what is sent again after this went to a phone that was off, or to nobody.
const holdFor = 15 * time.Minute

// openGateways reads the file and connects. The file holds secrets: one that others may read is refused.
func openGateways(path string, now func() time.Time, log *slog.Logger, keep keepReports) (*gateways, error) {
	entries, err := readGateways(path)
	if err != nil {
		return nil, err
	}
	approved, err := approvals(entries, filepath.Dir(path), log)
	if err != nil {
		return nil, err
	}
	var list []sms.Gateway
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	for _, e := range entries {
		digits := e.Extension
		client, err := cmpp.Open(cmpp.Config{
			Address: e.Address, Account: e.Account, Secret: e.Secret, Service: e.Service, Number: e.Number, Extension: digits, Zone: zone,
			Window: e.Window, PerSecond: e.PerSecond, Now: now, Log: log,
			Keep: func(ctx context.Context, reports []cmpp.Report) error {
				out := make([]app.SMSReport, len(reports))
				for i, r := range reports {
					out[i] = app.SMSReport{ID: r.ID, Tag: r.Tag, Of: r.Of, Arrived: r.Arrived, Word: r.State}
				}
				return keep(ctx, e.Name, out, func(reference string) string { return cmpp.Tag(reference, digits) })
			},
		})
		if err != nil {
			for _, g := range list {
				g.Sender.(io.Closer).Close()
			}
			return nil, fmt.Errorf("gateway %q: %w", e.Name, err)
		}
		var sender sms.Sender = cmppSender{client}
		if t := approved[e.Name]; t != nil {
			sender = sms.Approved{Sender: sender, Templates: t}
		}
		list = append(list, sms.Gateway{Name: e.Name, Sender: sender})
	}
	return &gateways{sms.NewChain(list...)}, nil
}

// spoken are the languages messages are sent in.
var spoken = []web.Locale{web.Hans}

// approvals reads what the gateways have approved, by their names. A template that does not say what its message has to say is
// refused, and so is a set of gateways of which none may send one of the messages.
func approvals(entries []gatewayEntry, folder string, log *slog.Logger) (map[string]*sms.Templates, error) {
	out := map[string]*sms.Templates{}
	taken := map[string]int{} // by gateways, of each message in each language
	sentences := map[web.Locale]map[string]string{}
	for _, l := range spoken {
		sentences[l] = l.Sentences("sms.")
	}
	for _, e := range entries {
		if e.Templates == "" {
			for _, l := range spoken {
				for name := range sentences[l] {
					taken[name+" in "+string(l)]++
				}
			}
			continue
		}
		path := e.Templates
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		t, err := sms.OpenTemplates(path)
		if err != nil {
			return nil, fmt.Errorf("gateway %q: %w", e.Name, err)
		}
		for _, l := range spoken {
			lacking, err := t.Lacking(string(l), sentences[l], false)
			if err != nil {
				return nil, fmt.Errorf("gateway %q: %w", e.Name, err)
			}
			for name := range sentences[l] {
				if !slices.Contains(lacking, name) {
					taken[name+" in "+string(l)]++
				}
			}
			if len(lacking) > 0 {
				log.Warn("an SMS gateway has no template of some messages: others have to send them", "gateway", e.Name, "language", string(l), "messages", lacking)
			}
		}
		out[e.Name] = t
	}
	var none []string
	for _, l := range spoken {
		for _, name := range slices.Sorted(maps.Keys(sentences[l])) {
			if key := name + " in " + string(l); taken[key] == 0 {
				none = append(none, key)
			}
		}
	}
	if len(none) > 0 {
		return nil, fmt.Errorf("--sms-gateways: no gateway has an approved template of %s", strings.Join(none, ", "))
	}
	return out, nil
}

// cmppSender says goodbye within a few seconds.
type cmppSender struct{ *cmpp.Client }

func (c cmppSender) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Client.Close(ctx)
}

func readGateways(path string) (list []gatewayEntry, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--sms-gateways: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("--sms-gateways: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, errors.New("--sms-gateways: the file holds secrets and must be readable by its owner only (mode 0600)")
	}
	d := json.NewDecoder(io.LimitReader(f, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, errors.New("--sms-gateways: a JSON array of gateways is wanted, with the fields of the operating guide only") // the error would quote
	}
	seen := map[string]bool{}
	for _, e := range list {
		switch {
		case e.Name == "" || len(e.Name) > 16 || !plain(e.Name):
			return nil, errors.New("--sms-gateways: a name has a-z, 0-9 and -, at most 16")
		case seen[e.Name]:
			return nil, fmt.Errorf("--sms-gateways: two are named %q", e.Name)
		case e.Driver != "cmpp":
			return nil, fmt.Errorf("--sms-gateways: the driver of %q must be cmpp", e.Name)
		}
		seen[e.Name] = true
	}
	if len(list) == 0 {
		return nil, errors.New("--sms-gateways: there is no gateway in it")
	}
	return list, nil
}

func plain(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}
