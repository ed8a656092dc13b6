package citizen

import (
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
)

// Art. 3: how to book and whom to ask stand where the code on a hall's poster leads, with what can be
// booked there and when.
func TestArt3_TheHallsPageSaysHowToBookAndWhatIsFree(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	s := b.get("/hall/" + apptest.HallA + "?lang=zh-Hans").must(200)
	for _, want := range []string{"甲区政务服务中心", "示例路 1 号", "020-12345", "工作日 09:00–12:00 13:00–17:00", "广东政务服务网", "“穗好办”APP", "现场取号", "绿色通道",
		"社会保障卡申领", "/book/" + apptest.SocialCard + "/" + apptest.QueueA, "最早 明天 09:00"} {
		if !strings.Contains(s.text()+s.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if found := b.get("/hall/" + apptest.HallA + "?lang=zh-Hans&q=过户").must(200); !strings.Contains(found.body, "不动产转移登记") || strings.Contains(found.body, "社会保障卡申领") {
		t.Error("searching among the hall's items")
	}
	b.get("/hall/nowhere").must(404)
}
