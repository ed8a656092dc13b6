package api

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
)

// Draws of releases: docs/adr/0026-fair-noon.md.

type drawList struct {
	Draws []drawSummary `json:"draws" nullable:"false" doc:"Newest release first, at most 200."`
}

type drawSummary struct {
	ID         string    `json:"id" example:"440103000000-social-20261124"`
	Queue      string    `json:"queue"`
	Release    time.Time `json:"release"`
	Until      time.Time `json:"until" doc:"Who asks from release to before this instant is in it."`
	State      string    `json:"state" enum:"announced,closed,done"`
	Commitment string    `json:"commitment"`
}

type drawEntry struct {
	Draw    string    `json:"draw" doc:"Id of the draw."`
	Entry   string    `json:"entry" doc:"Your line on the list that is published after the draw."`
	Salt    string    `json:"salt" doc:"Keep it: with it you can show that the line is yours, and nobody else can tell."`
	Item    string    `json:"item"`
	Slot    string    `json:"slot"`
	Stage   string    `json:"stage" enum:"consultation,acceptance,collection"`
	Units   int       `json:"units"`
	Rank    int       `json:"rank" doc:"Place in the drawn order; 0 before it."`
	Outcome string    `json:"outcome" doc:"Empty before the draw; then booked, or the code of what stood against it."`
	Code    string    `json:"code" doc:"The booking code, if it is booked or will be."`
	Asked   time.Time `json:"asked"`
}

type drawEntries struct {
	Entries []drawEntry `json:"entries" nullable:"false"`
}

func (a *API) declareDraws() {
	id := inPath("draw", "Id of the draw: queue and day of the release.", "440103000000-social-20261124", fault.DrawNotFound)
	read(a, operation{
		id: "list-draws", method: http.MethodGet, path: "/draws", tag: "Draws", cache: "public, max-age=5",
		about:  "Draws of releases, those to come with their published commitments and those of the last two weeks.",
		params: []param{inQuery("queue", "Only of this queue.", "440103000000-social", text(96))},
	}, func(c *call) (drawList, error) {
		list, err := a.app.Draws(c.r.Context(), c.query["queue"])
		out := drawList{Draws: make([]drawSummary, len(list))}
		for i, d := range list {
			out.Draws[i] = drawSummary{d.ID, d.QueueID, d.Release.In(calendar.Zone), d.Until.In(calendar.Zone), string(d.State), d.Commitment}
		}
		return out, err
	})
	read(a, operation{
		id: "get-draw", method: http.MethodGet, path: "/draws/{draw}", tag: "Draws", cache: "public, max-age=5", params: []param{id},
		about: "What is published of a draw: the commitment before, seed, list and outcome after. `suiyue draw verify` recomputes it from this address.",
	}, func(c *call) (draw.Record, error) {
		_, r, err := a.app.DrawOf(c.r.Context(), c.path("draw"))
		return r, err
	})
	read(a, operation{
		id: "list-my-entries", method: http.MethodGet, path: "/draws/{draw}/mine", tag: "Draws", signedIn: true, params: []param{id},
		about: "Your entries in a draw, with their salts.",
	}, func(c *call) (drawEntries, error) {
		list, err := a.app.MyEntries(c.r.Context(), c.who, c.path("draw"))
		out := drawEntries{Entries: make([]drawEntry, len(list))}
		for i := range list {
			out.Entries[i] = drawnEntry(&list[i])
		}
		return out, err
	})
}

func drawnEntry(v *app.DrawEntry) drawEntry {
	b := v.For.Booking
	return drawEntry{
		Draw: v.Draw, Entry: v.Text, Salt: v.Salt, Item: b.Item, Slot: b.SlotID, Stage: string(b.Stage), Units: b.Units, Rank: v.Rank,
		Outcome: string(v.Outcome), Code: v.For.Code, Asked: b.CreatedAt.In(calendar.Zone),
	}
}
