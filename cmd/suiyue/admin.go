package main

import (
	"fmt"
	"strings"

	"suiyue/internal/server"
)

type adminCmd struct {
	Create adminCreateCmd `cmd:"" help:"Make an administrator's account and print its one-time link."`
}

type adminCreateCmd struct {
	server.Data `embed:""`
	PublicURL   string `env:"SUIYUE_PUBLIC_URL" placeholder:"URL" help:"The address people open, for the link."`
	Rank        string `required:"" placeholder:"RANK" help:"platform-1, platform-2, municipal-1, municipal-2, district-1, district-2, district-3, clerk, system, security or audit."`
	Unit        string `placeholder:"ID" help:"Unit of the directory the account belongs to. Default: the platform, for its own ranks."`
	Name        string `required:"" placeholder:"NAME" help:"Who holds it."`
	Duty        string `required:"" placeholder:"DUTY" help:"Their duty."`
	Mobile      string `required:"" placeholder:"NUMBER" help:"Their mobile: it signs in, and no other account may have it."`
}

func (adminCreateCmd) Help() string {
	return `For the first accounts, and where nobody is left who could confirm a filing; all others are filed in
the console (Art. 11). Whoever has the link sets password and second factor, once, within three days.

Example:

  suiyue admin create --rank security --name 许文 --duty 安全管理员 --mobile 13900000000 --public-url https://yuyue.example.org`
}

func (c *adminCreateCmd) Run(e *edge) error {
	number, link, until, err := server.CreateAdmin(e.ctx, c.Data, server.NewAdmin{
		Rank: c.Rank, Unit: c.Unit, Name: c.Name, Duty: c.Duty, Mobile: c.Mobile, PublicURL: strings.TrimSuffix(c.PublicURL, "/"),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Account %s. Its person opens it with this link, once, until %s:\n\n  %s\n", number, until.Local().Format("2006-01-02 15:04"), link)
	return nil
}

type powersCmd struct{}

func (powersCmd) Help() string {
	return `The table the program itself asks: a line a rank and where halls stand to it, a column an action.
The console shows the same.`
}

func (powersCmd) Run(e *edge) error {
	_, err := fmt.Fprint(e.out, server.Powers())
	return err
}
