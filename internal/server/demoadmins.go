package server

import (
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/a-h/templ"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The ready administrators of a demonstration. Their password and the secret of their authenticator app
// are known to all, and a page signs in as any of them.
const (
	demoPassword = "Kapok-in-March-2026"
	demoSecret   = "KAPOKKAPOKKAPOKKAPOKKAPOKKAPOKKA"
	demoAdmins   = "/demo/administrators"
	firstAdmin   = 8_000_000 // where their mobiles begin
)

// makeAdmins makes an account of every rank over real units, where there is no account yet.
func (s *Server) makeAdmins(ctx context.Context) error {
	city := s.app.City()
	var list []app.Ready
	add := func(r account.Rank, unit *directory.Unit, name, duty string) {
		if unit != nil {
			list = append(list, app.Ready{Rank: r, Unit: unit.ID, Person: account.Person{Name: name, Duty: duty, Mobile: testpeople.Phone(firstAdmin + len(list))}})
		}
	}
	root := city.Root()
	if root == nil {
		return nil
	}
	add(account.Platform1, root, "陈示范", "平台督办负责人")
	add(account.Platform2, root, "李示范", "平台运营")
	agency := childOf(city, root.ID, directory.Agency, "440100-hrss")
	add(account.Municipal1, agency, "何示范", "政务服务处负责人")
	add(account.Municipal2, agency, "罗示范", "大厅管理员")
	district := childOf(city, root.ID, directory.District, "440106000000")
	add(account.District1, district, "黄示范", "区政务中心主任")
	add(account.District2, district, "梁示范", "区大厅管理员")
	if district != nil {
		street := childOf(city, district.ID, directory.Street, "440106002000")
		add(account.District2, street, "张示范", "街道大厅负责人")
		if street != nil {
			add(account.District3, childOf(city, street.ID, directory.Village, ""), "吴示范", "社区服务站站长")
		}
	}
	if next := otherDistrict(city, root.ID, district); next != nil {
		add(account.District1, next, "周示范", "区政务中心主任")
		add(account.District2, next, "郑示范", "区大厅管理员")
	}
	add(account.System, root, "杨示范", "系统管理员")
	add(account.Security, root, "许示范", "安全管理员")
	add(account.Security, root, "邓示范", "安全管理员")
	add(account.Audit, root, "谢示范", "审计管理员")
	add(account.Clerk, district, "曾示范", "窗口人员")
	for _, name := range []string{"彭示范", "冯示范", "唐示范", "董示范"} { // a day in the hall has five counters
		add(account.Clerk, district, name, "窗口人员")
	}
	add(account.Clerk, agency, "苏示范", "窗口人员")
	for i, unit := range []string{"440100-health", "440100-police", "440100-market"} { // they work the steps of cases
		if u := city.Unit(unit); u != nil {
			add(account.Municipal2, u, []string{"叶示范", "卢示范", "汪示范"}[i], "业务处室经办")
		}
	}
	return s.app.MakeReady(ctx, list, demoPassword, demoSecret)
}

// childOf returns the unit wanted if it is right below parent, else the first of its kind, nil for none.
func childOf(city *app.City, parent string, kind directory.UnitKind, wanted string) *directory.Unit {
	var first *directory.Unit
	for _, u := range city.Below(parent) {
		switch {
		case u.Kind != kind:
		case u.ID == wanted:
			return u
		case first == nil || u.ID < first.ID:
			first = u
		}
	}
	return first
}

func otherDistrict(city *app.City, root string, than *directory.Unit) *directory.Unit {
	list := city.Below(root)
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	for _, u := range list {
		if u.Kind == directory.District && u != than {
			return u
		}
	}
	return nil
}

//go:embed demoadmins.html
var demoAdminsText string

var demoAdminsPage = template.Must(template.New("administrators").Parse(demoAdminsText))

type demoAdminDesk struct {
	locale   web.Locale
	Return   string
	Password string
	Secret   string
	Admins   []demoAdmin
}

type demoAdmin struct{ ID, Name, Rank, Unit, Kind string }

// T gives a sentence in the reader's language.
func (d demoAdminDesk) T(key string) string { return d.locale.T(key) }

// adminDesk lists the ready administrators.
func (s *Server) adminDesk(w http.ResponseWriter, r *http.Request) error {
	l := web.LocaleOf(r)
	list, people, err := s.app.DemoAccounts(r.Context())
	if err != nil {
		return err
	}
	d := demoAdminDesk{locale: l, Return: consolePage(r.URL.Query().Get("return")), Password: demoPassword, Secret: demoSecret}
	for i, a := range list {
		one := demoAdmin{ID: a.ID, Name: people[i].Name, Rank: l.T("rank." + string(a.Rank)), Kind: string(a.Rank)}
		if u := s.app.City().Unit(a.Unit); u != nil {
			one.Unit = l.Text(u.Name)
		}
		d.Admins = append(d.Admins, one)
	}
	return web.Render(w, r, http.StatusOK, inShell(ui.NewShell(r, l.T("demo.admins")), templ.FromGoHTML(demoAdminsPage, d)))
}

// beAdmin signs in as one of them.
func (s *Server) beAdmin(cookies *web.Cookies) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := web.ParseForm(r); err != nil {
			return err
		}
		token, err := s.app.OpenAs(r.Context(), r.PostForm.Get("account"), "demonstration")
		if err != nil {
			return err
		}
		cookies.SetSession(w, token, 12*time.Hour)
		return web.SeeOther(w, r, consolePage(r.PostForm.Get("return")))
	}
}

// consolePage returns path if it is a page of the console, else the console.
func consolePage(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.Path != "/console" && !strings.HasPrefix(u.Path, "/console/") {
		return "/console"
	}
	return u.RequestURI()
}
