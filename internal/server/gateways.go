package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/gate/sms"
	"suiyue/internal/gate/sms/cmpp"
	"suiyue/internal/gate/sms/dysms"
	"suiyue/internal/jobs"
	"suiyue/internal/web"
)

// gatewayEntry is one entry of the file of --sms-gateways.
type gatewayEntry struct {
	Name      string  `json:"name"`       // as counted and shown: [a-z0-9-], at most 16
	Driver    string  `json:"driver"`     // cmpp or dysms
	Address   string  `json:"address"`    // cmpp: host:port; dysms: https://host
	Account   string  `json:"account"`    // cmpp: 6 characters; dysms: the access key id
	Secret    string  `json:"secret"`     //
	Service   string  `json:"service"`    // cmpp: at most 10 characters
	Number    string  `json:"number"`     // cmpp: the number people see
	Extension int     `json:"extension"`  // cmpp: digits the contract lets us add to it, 0 or 2 to 9
	Window    int     `json:"window"`     // cmpp: submits under way, 0 for 16
	PerSecond int     `json:"per_second"` // submits or requests a second by contract, 0 for no limit
	Templates string  `json:"templates"`  // a file of what is approved, beside this one unless it is a whole path; "" where every text is taken (cmpp)
	Price     float64 `json:"price_fen"`  // of one part, in fen, to a thousandth; 0 where nothing is to be counted
}

// price is that of a part in thousandths of a fen.
func (e gatewayEntry) price() int64 { return int64(math.Round(e.Price * 1000)) }

// mostPrice of a part, in fen: more is a mistake.
const mostPrice = 1000

// gateways are the carriers of the file, in its order.
type gateways struct {
	chain  *sms.Chain
	prices map[string]int64 // of a part, by name, in thousandths of a fen
}

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
	g := &gateways{prices: map[string]int64{}}
	var list []sms.Gateway
	for _, e := range entries {
		sender, err := openGateway(e, approved[e.Name], now, log, keep)
		if err != nil {
			for _, g := range list {
				_ = g.Sender.(io.Closer).Close()
			}
			return nil, fmt.Errorf("gateway %q: %w", e.Name, err)
		}
		list = append(list, sms.Gateway{Name: e.Name, Sender: sender})
		g.prices[e.Name] = e.price()
	}
	g.chain = sms.NewChain(list...)
	return g, nil
}

// carriersZone is where carriers read their clocks.
var carriersZone = time.FixedZone("Asia/Shanghai", 8*3600)

func openGateway(e gatewayEntry, approved *sms.Templates, now func() time.Time, log *slog.Logger, keep keepReports) (sms.Sender, error) {
	if e.Driver == "dysms" {
		return dysms.Open(dysms.Config{
			Endpoint: e.Address, Key: e.Account, Secret: e.Secret, Templates: approved, PerSecond: e.PerSecond, Zone: carriersZone, Now: now,
		})
	}
	digits := e.Extension
	client, err := cmpp.Open(cmpp.Config{
		Address: e.Address, Account: e.Account, Secret: e.Secret, Service: e.Service, Number: e.Number, Extension: digits, Zone: carriersZone,
		Window: e.Window, PerSecond: e.PerSecond, Now: now, Log: log,
		Keep: func(ctx context.Context, reports []cmpp.Report) error {
			out := make([]app.SMSReport, len(reports))
			for i, r := range reports {
				out[i] = app.SMSReport{ID: r.ID, Tag: r.Tag, Of: r.Of, Arrived: r.Arrived, Word: r.State, Price: e.price()}
			}
			return keep(ctx, e.Name, out, func(reference string) string { return cmpp.Tag(reference, digits) })
		},
	})
	if err != nil {
		return nil, err
	}
	if approved != nil {
		return sms.Approved{Sender: cmppSender{client}, Templates: approved}, nil
	}
	return cmppSender{client}, nil
}

// ask asks the gateways that can be asked; nil where there is none.
func (g *gateways) ask() jobs.Asker {
	if g == nil || !g.chain.Asks("") {
		return nil
	}
	return func(ctx context.Context, gateway string, t jobs.Text, since time.Time) (*jobs.Carried, error) {
		f, err := g.chain.Ask(ctx, gateway, message(t), since)
		if f == nil {
			return nil, err
		}
		return &jobs.Carried{
			Receipt: f.ID, Gateway: f.Gateway, Parts: []string{f.ID}, Charged: f.Segments, Price: g.prices[f.Gateway], Asked: true,
			Ended: f.Ended, Arrived: f.Arrived, Word: f.Word,
		}, nil
	}
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
			lacking, err := t.Lacking(string(l), sentences[l], e.Driver == "dysms")
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
		case e.Driver != "cmpp" && e.Driver != "dysms":
			return nil, fmt.Errorf("--sms-gateways: the driver of %q must be cmpp or dysms", e.Name)
		case e.Driver == "dysms" && e.Templates == "":
			return nil, fmt.Errorf("--sms-gateways: %q needs templates", e.Name)
		case !(e.Price >= 0 && e.Price <= mostPrice):
			return nil, fmt.Errorf("--sms-gateways: price_fen of %q lies between 0 and %d", e.Name, mostPrice)
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
