package e2e

import "testing"

// The pages of the three operation roles, in a real browser: each opens for its role, and axe finds
// nothing wrong with it.
func TestPagesOfTheOperationRoles(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	for role, pages := range map[string][]string{
		"系统管理员": {"/console/operation"},
		"安全管理员": {"/console/keys", "/console/keys/end?account=A1&id=t1"},
		"审计管理员": {"/console/log", "/console/log/0"},
	} {
		b := open(t, c)
		b.resize(1280)
		b.goTo("/demo/administrators")
		b.click(`button[name=account][value="` + eval[string](b, `[...document.querySelectorAll("button[name=account]")].find(x => x.innerText.includes("`+role+`")).value`) + `"]`)
		for _, page := range pages {
			if status := b.goTo(page); status != 200 {
				t.Errorf("%s opens %s: %d", role, page, status)
			}
			b.desk(page)
		}
	}
}
