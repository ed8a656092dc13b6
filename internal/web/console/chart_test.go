package console

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// sampleCharts are one of each kind, with gaps.
func sampleCharts(l web.Locale) []Chart {
	days := []string{"11-16", "11-17", "11-18", "11-19", "11-20", "11-21", "11-22", "11-23", "11-24", "11-25"}
	none := math.NaN()
	return []Chart{
		{L: l, ID: "c1", Title: "爽约率", Kind: ChartLine, Unit: string(oversight.Share), Head: "日期", Labels: days, Series: []Series{
			{Name: "天河区", Values: []float64{.08, .1, .09, .12, .31, none, none, .09, .08, .07}}, {Name: "全市", Values: []float64{.1, .11, .1, .1, .12, none, .2, none, .1, .09}},
			{Name: "越秀区", Values: []float64{.02, .03, .05, .04, .02, none, none, .03, .02, .01}},
		}, Note: "按预约日期计算。"},
		{L: l, ID: "c2", Title: "放号与预约", Kind: ChartBar, Unit: string(oversight.Numbers), Head: "日期", Labels: days, Series: []Series{
			{Name: "放号", Values: []float64{12000, 12400, 12100, 12345, 12222, 0, 0, 12800, 13000, 12900}}, {Name: "预约", Values: []float64{8000, 9400, 9100, 9345, 12222, 0, 0, 10800, 13000, 11900}},
		}},
		{L: l, ID: "c3", Title: "各时段等候", Kind: ChartHeat, Unit: string(oversight.Minutes), Head: "日期", Labels: []string{"09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00"}, Series: []Series{
			{Name: "11月23日(周一)", Values: []float64{12, 25, 31, 8, none, 5, 0}}, {Name: "11月24日(周二)", Values: []float64{9, 18, 22, 6, 4, 3, 2}},
		}},
		{L: l, ID: "c4", Title: "没有数据", Kind: ChartLine, Unit: string(oversight.Share), Labels: days, Series: []Series{{Name: "x", Values: []float64{none}}}},
	}
}

// Art. 4: whatever a picture shows stands in its table too, and nothing is told by colour alone.
func TestArt4_EveryPictureHasItsTable(t *testing.T) {
	var page strings.Builder
	for _, c := range sampleCharts(web.Hans) {
		var b strings.Builder
		if err := figure(c).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		page.WriteString(got)
		if c.empty() {
			if strings.Contains(got, "chart__space") || !strings.Contains(got, web.Hans.T("chart.none")) {
				t.Errorf("%s: an empty picture is drawn", c.ID)
			}
			continue
		}
		for _, s := range c.Series {
			for i := range c.Labels {
				if cell := ">" + c.text(s, i) + "</td>"; !strings.Contains(got, cell) {
					t.Errorf("%s: the table has no cell %s", c.ID, cell)
				}
			}
		}
		if strings.Contains(got, "style=") || strings.Count(got, "<script") != strings.Count(got, `<script type="module" src="/`) {
			t.Errorf("%s: the policy of the page refuses styles and scripts within it", c.ID)
		}
		switch c.Kind {
		case ChartLine:
			if strings.Count(got, "<path class=\"chart__line") != 2*len(c.Series) { // and once in the legend
				t.Errorf("%s: not every series is a line", c.ID)
			}
		case ChartBar:
			if !strings.Contains(got, "url(#"+c.ID+"-h1)") {
				t.Errorf("%s: bars are told by colour alone", c.ID)
			}
		}
	}
	if dir := os.Getenv("SUIYUE_TEST_SCREENS"); dir != "" {
		doc := `<!DOCTYPE html><html lang="zh-Hans-CN" class="auto"><meta charset="utf-8"><link rel="stylesheet" href="console.css"><main class="work flow">` + page.String() + `</main></html>`
		if err := os.WriteFile(filepath.Join(dir, "charts.html"), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestValuesAreWrittenInTheirUnit(t *testing.T) {
	for _, c := range []struct {
		unit oversight.Unit
		v    float64
		want string
	}{
		{oversight.Share, 0.1234, "12.3 %"}, {oversight.Share, 1, "100 %"}, {oversight.Numbers, 12345, "12,345"}, {oversight.Minutes, 7, "7 min"},
		{oversight.Times, 1.5, "1.50"}, {"", 3.04, "3"}, {"", -2.5, "-2.5"}, {oversight.Share, math.NaN(), "–"}, {"km", 2, "2 km"},
	} {
		if got := valueText(web.En, string(c.unit), c.v); got != c.want {
			t.Errorf("%v in %q is %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestNiceSteps(t *testing.T) {
	for _, c := range []struct {
		least, want float64
		unit        oversight.Unit
	}{{0.03, 0.05, oversight.Share}, {0.1, 0.1, oversight.Share}, {0.4, 1, oversight.Numbers}, {2600, 5000, oversight.Numbers}, {0, 1, ""}} {
		if got := niceStep(c.least, string(c.unit)); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a step of at least %v is %v, want %v", c.least, got, c.want)
		}
	}
}

// A tile of a wall says a name whole, or which one it is, before it cuts it.
func TestNamesOfTiles(t *testing.T) {
	for name, c := range map[string]struct {
		room int
		want string
	}{
		"天河南街道":                {wallTiles.Free, "天河南街道"},
		"石牌街道":                 {wallTiles.Room, "石牌街道"},
		"珠江新城街道":               {wallTiles.Free, "珠江新城"},
		"政务服务中心":               {wallTiles.Free, "政务服务…"},
		"Yuangang Subdistrict": {wallTiles.Free, "Yuangang"},
		"Wushan Subdistrict":   {wallTiles.Room, "Wushan"},
		"街道":                   {20, "…"},
	} {
		if got := tileName(name, wallTiles.Letter, float64(c.room)); got != c.want {
			t.Errorf("%s in %d: %q, want %q", name, c.room, got, c.want)
		}
	}
}
