package powers

import (
	"net/url"
	"slices"
	"strings"

	"suiyue/internal/app/apptest"
)

// stale is a form about a version that was never.
func stale(more ...string) url.Values {
	f := url.Values{"version": {"999"}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// accounts says by hand who sees, and who may look after, which accounts (Art. 8 to 11, 三員).
var accounts = map[string]map[string]string{
	"see": {
		"K":  "P1 P2 M1 M2 M1b M2b D1 D1b D2d D2db D2s D2sb D3 D3b Cm Cd Cdb Cs Cv S K A closed invited",
		"P1": "P1 P2 M1 M2 M1b M2b D1 D1b D2d D2db D2s D2sb D3 D3b Cm Cd Cdb Cs Cv closed invited",
		"M1": "M1 M2 Cm", "M1b": "M1b M2b", "D1": "D1 D2d D2s D2sb D3 D3b Cd Cs Cv closed invited", "D1b": "D1b D2db Cdb",
		"D2d": "D2d Cd", "D2db": "D2db Cdb", "D2s": "D2s D3 D3b Cs Cv", "D2sb": "D2sb",
	},
	"manage": {
		"K":  "P1 P2 S A",
		"P1": "P2 M1 M2 M1b M2b D1 D1b D2d D2db D2s D2sb D3 D3b Cm Cd Cdb Cs Cv invited",
		"M1": "M2 Cm", "M1b": "M2b", "D1": "D2d D2s D2sb D3 D3b Cd Cs Cv", "D1b": "D2db Cdb", "D2d": "Cd", "D2db": "Cdb", "D2s": "D3 D3b Cs Cv",
	},
	"unlock": {
		"K":  "P1 P2 M1 M2 M1b M2b D1 D1b D2d D2db D2s D2sb D3 D3b Cm Cd Cdb Cs Cv S A invited",
		"P1": "P2 M1 M2 M1b M2b D1 D1b D2d D2db D2s D2sb D3 D3b Cm Cd Cdb Cs Cv invited",
		"M1": "M2 Cm", "M1b": "M2b", "D1": "D2d D2s D2sb D3 D3b Cd Cs Cv", "D1b": "D2db Cdb", "D2d": "Cd", "D2db": "Cdb", "D2s": "D3 D3b Cs Cv",
	},
}

// of tells whether one account may that to another.
func of(what, who, whom string) bool {
	return slices.Contains(strings.Fields(accounts[what][who]), whom)
}

// reason is a form with a reason.
func reason() url.Values { return url.Values{"why": {"x"}} }

// pages says of every page and act of the console who may open it.
var pages = map[string]need{
	"GET /console":           {},
	"GET /console/powers":    {},
	"GET /console/prove":     {},
	"POST /console/prove":    {},
	"POST /console/sign-out": {},

	"GET /console/sign-in":       {who: "open"},
	"POST /console/sign-in":      {who: "open"},
	"GET /console/sign-in/code":  {who: "open"},
	"POST /console/sign-in/code": {who: "open"},

	"GET /console/welcome/{token}":         {who: "open"},
	"POST /console/welcome/{token}":        {who: "open"},
	"GET /console/welcome/{token}/factor":  {who: "open"},
	"POST /console/welcome/{token}/factor": {who: "open"},

	"GET /console/me":                  {},
	"POST /console/me/sessions":        {},
	"GET /console/me/totp":             {prove: true},
	"POST /console/me/totp":            {prove: true},
	"GET /console/me/passkeys":         {prove: true},
	"POST /console/me/passkeys":        {prove: true},
	"POST /console/me/passkeys/remove": {prove: true},
	"GET /console/me/password":         {prove: true},
	"POST /console/me/password":        {prove: true},
	"GET /console/tokens":              {},
	"POST /console/tokens":             {prove: true, except: "S K A Cm Cd Cdb Cs Cv"},
	"POST /console/tokens/end":         {form: url.Values{"id": {"none"}}},

	"GET /console/halls":                      {act: "supervise"},
	"GET /console/halls.csv":                  {act: "export", prove: true},
	"GET /console/halls.xlsx":                 {act: "export", prove: true},
	"GET /console/halls/{hall}":               {act: "supervise", over: "hall"},
	"GET /console/halls/{hall}/capacity":      {act: "supervise", over: "hall"},
	"GET /console/halls/{hall}/capacity.csv":  {act: "export", over: "hall", prove: true},
	"GET /console/halls/{hall}/capacity.xlsx": {act: "export", over: "hall", prove: true},
	"GET /console/halls/{hall}/requests":      {act: "supervise", over: "hall"},
	"GET /console/jump":                       {act: "supervise"},
	"GET /console/jump.json":                  {act: "supervise", asset: true},

	"GET /console/requests":                   {act: "supervise"},
	"GET /console/suggestions":                {act: "supervise"},
	"GET /console/requests/new":               {act: "adjust"},
	"POST /console/requests/new":              {act: "adjust"},
	"GET /console/suggestions/new":            {act: "suggest"},
	"POST /console/suggestions/new":           {act: "suggest"},
	"GET /console/requests/{id}":              {act: "supervise", over: "request"},
	"POST /console/requests/{id}/decide":      {act: "decide", over: "request", prove: true, form: stale("decision", "approve")},
	"POST /console/requests/{id}/withdraw":    {act: "supervise", over: "request", form: stale()},
	"POST /console/requests/{id}/report":      {act: "carry_out", over: "request", form: stale("outcome", "done", "report", "x")},
	"GET /console/figures":                    {act: "supervise"},
	"GET /console/figures.csv":                {act: "export", prove: true},
	"GET /console/figures.xlsx":               {act: "export", prove: true},
	"GET /console/figures/measures":           {act: "supervise"},
	"GET /console/figures/measures/{measure}": {act: "supervise"},

	"GET /console/ledger":                 {act: "supervise"},
	"GET /console/ledger/{entry}":         {act: "supervise", over: "entry"},
	"POST /console/ledger/{entry}/appeal": {act: "supervise", over: "entry", sees: "nobody", form: reason()},
	"POST /console/ledger/{entry}/decide": {act: "decide", over: "entry", prove: true, form: url.Values{"decision": {"strike"}, "why": {"x"}}},

	"GET /console/ledger/year":           {act: "supervise"},
	"GET /console/ledger/year/file.xlsx": {act: "export", prove: true},
	"GET /console/ledger/year/announce":  {act: "decide", only: "P1", prove: true},
	"POST /console/ledger/year/announce": {act: "decide", only: "P1", prove: true, form: url.Values{"unit": {"440100000000"}, "text": {"x"}}},
	"POST /console/ledger/year/end":      {act: "decide", only: "P1", prove: true, form: url.Values{"id": {"none"}, "why": {"x"}}},
	"GET /console/assessment":            {act: "supervise"},
	"GET /console/assessment/file.xlsx":  {act: "export", prove: true},

	"GET /console/letters":               {act: "supervise"},
	"GET /console/letters/new":           {act: "decide", only: "P1 D1 D1b"},
	"POST /console/letters/new":          {act: "decide", only: "P1 D1 D1b", prove: true},
	"GET /console/letters/{id}":          {act: "supervise"},
	"POST /console/letters/{id}/receive": {act: "supervise", form: stale()},
	"POST /console/letters/{id}/reply":   {act: "supervise", form: stale("text", "x")},
	"POST /console/letters/{id}/check":   {act: "decide", prove: true, form: stale("decision", "accept")},

	"GET /console/bulletins":                {act: "supervise"},
	"GET /console/bulletins/new":            {act: "supervise", only: "P1 P2 M1 M2 M1b M2b D1 D1b"},
	"POST /console/bulletins/new":           {act: "supervise", only: "P1 P2 M1 M2 M1b M2b D1 D1b"},
	"GET /console/bulletins/{id}":           {act: "supervise"},
	"GET /console/bulletins/{id}/file.xlsx": {act: "export", prove: true},
	"POST /console/bulletins/{id}/remarks":  {act: "supervise", form: url.Values{"revision": {"999"}}},
	"POST /console/bulletins/{id}/redraft":  {act: "supervise", form: url.Values{"revision": {"999"}}},
	"POST /console/bulletins/{id}/review":   {act: "supervise", form: url.Values{"revision": {"999"}}},
	"POST /console/bulletins/{id}/issue":    {act: "decide", prove: true, form: url.Values{"revision": {"999"}}},
	"POST /console/bulletins/{id}/reissue":  {act: "decide", prove: true},

	"GET /console/sources":           {act: "supervise"},
	"GET /console/sources/new":       {act: "manage", only: "P1 M1 M1b D1 D1b"},
	"POST /console/sources/new":      {act: "manage", only: "P1 M1 M1b D1 D1b"},
	"GET /console/sources/{id}":      {act: "supervise"},
	"POST /console/sources/{id}":     {act: "manage", form: stale("name", "x")},
	"POST /console/sources/{id}/end": {act: "manage", form: stale()},

	"GET /console/halls/{hall}/edit":                    {act: "supervise", over: "hall"},
	"GET /console/halls/{hall}/edit/{noun}":             {act: "configure", over: "hall"},
	"POST /console/halls/{hall}/edit/{noun}":            {act: "configure", over: "hall", form: stale()},
	"GET /console/halls/{hall}/poster":                  {act: "supervise", over: "hall"},
	"GET /console/halls/{hall}/devices":                 {act: "supervise", over: "hall"},
	"POST /console/halls/{hall}/devices":                {act: "configure", over: "hall"},
	"GET /console/halls/{hall}/devices/new":             {act: "configure", over: "hall"},
	"GET /console/halls/{hall}/devices/{device}":        {act: "configure", over: "hall"},
	"POST /console/halls/{hall}/devices/{device}":       {act: "configure", over: "hall", form: stale()},
	"POST /console/halls/{hall}/devices/{device}/renew": {act: "configure", over: "hall", form: stale()},
	"POST /console/halls/{hall}/devices/{device}/end":   {act: "configure", over: "hall", form: stale()},

	"GET /console/directory":                 {},
	"GET /console/directory/item":            {act: "configure"},
	"POST /console/directory/item":           {act: "configure", only: "M2 M2b"},
	"GET /console/directory/units":           {act: "settings"},
	"GET /console/directory/unit":            {act: "settings"},
	"POST /console/directory/unit":           {act: "settings"},
	"GET /console/directory/files":           {act: "export"},
	"GET /console/directory/files/export":    {act: "export", prove: true, asset: true},
	"POST /console/directory/files":          {act: "configure"},
	"GET /console/directory/files/{upload}":  {act: "configure"},
	"POST /console/directory/files/{upload}": {act: "configure"},

	"GET /console/alerts":                   {act: "supervise"},
	"POST /console/alerts/{id}/acknowledge": {act: "decide"},
	"POST /console/alerts/{id}/tell":        {act: "adjust"},
	"GET /console/alerts/{id}":              {act: "supervise"},
	"POST /console/alerts/{id}/act":         {act: "adjust decide"},
	"POST /console/alerts/{id}/close":       {act: "decide"},
	"GET /console/forecast":                 {act: "supervise"},
	"POST /console/advice/{id}/dismiss":     {act: "adjust"},

	"GET /console/picture":      {act: "supervise"},
	"GET /console/picture/live": {act: "supervise", asset: true},
	"GET /console/wall":         {act: "supervise"},
	"GET /console/wall/live":    {act: "supervise", asset: true},

	"GET /console/displaced":               {act: "supervise"},
	"GET /console/halls/{hall}/displaced":  {act: "supervise", over: "hall"},
	"GET /console/requests/{id}/affected":  {act: "supervise", over: "request"},
	"POST /console/requests/{id}/affected": {act: "reveal", over: "request", prove: true, form: url.Values{"booking": {"none"}}},

	"GET /console/serve":                                     {act: "serve"},
	"GET /console/halls/{hall}/counters":                     {act: "serve", over: "hall"},
	"GET /console/halls/{hall}/counters/{counter}":           {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/counters/{counter}/seat":     {act: "serve", over: "hall", form: url.Values{"to": {"open"}}},
	"POST /console/halls/{hall}/counters/{counter}/act":      {act: "serve", over: "hall", form: url.Values{"act": {"call"}, "key": {"powers-0001"}}},
	"POST /console/halls/{hall}/counters/{counter}/case":     {act: "serve", over: "hall", form: url.Values{"ticket": {"none"}, "n": {"1"}, "done": {"yes"}}},
	"GET /console/halls/{hall}/counters/{counter}/view":      {act: "serve", over: "hall", asset: true},
	"GET /console/halls/{hall}/counters/{counter}/events":    {act: "serve", over: "hall", asset: true},
	"GET /console/halls/{hall}/counters/{counter}/shell":     {act: "serve", over: "hall", asset: true},
	"GET /console/halls/{hall}/counters/{counter}/worker.js": {act: "serve", over: "hall", asset: true},
	"POST /console/halls/{hall}/counters/{counter}/merge":    {act: "serve", over: "hall", asset: true, form: url.Values{"acts": {"[]"}}},
	"GET /console/halls/{hall}/desk":                         {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/desk/check-in":               {act: "serve", over: "hall", form: url.Values{"booking": {"none"}, "compared": {"same"}}},
	"GET /console/halls/{hall}/desk/number":                  {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/desk/number":                 {act: "serve", over: "hall", form: url.Values{"key": {"powers-0002"}}},
	"GET /console/halls/{hall}/desk/green":                   {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/desk/green":                  {act: "serve", over: "hall", form: url.Values{"key": {"powers-0003"}}},
	"GET /console/halls/{hall}/desk/book":                    {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/desk/book":                   {act: "serve", over: "hall", form: url.Values{"key": {"powers-0004"}}},
	"GET /console/halls/{hall}/desk/tickets/{ticket}":        {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/desk/tickets/{ticket}/print": {act: "serve", over: "hall"},
	"GET /console/halls/{hall}/day":                          {act: "serve supervise", over: "hall"},
	"GET /console/halls/{hall}/day/list":                     {act: "serve", over: "hall"},
	"GET /console/halls/{hall}/day/rules":                    {act: "configure", over: "hall"},
	"POST /console/halls/{hall}/day/rules":                   {act: "configure", over: "hall", form: stale()},

	"GET /console/missed":                         {act: "serve"},
	"GET /console/halls/{hall}/missed":            {act: "serve", over: "hall"},
	"GET /console/halls/{hall}/missed/{code}":     {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/missed/{code}":    {act: "serve", over: "hall", form: reason()},
	"GET /console/sanctions":                      {act: "serve"},
	"GET /console/halls/{hall}/sanctions/{code}":  {act: "serve", over: "hall"},
	"POST /console/halls/{hall}/sanctions/{code}": {act: "serve", over: "hall", form: reason()},
	"GET /console/cases":                          {act: "supervise"},
	"GET /console/cases/{id}":                     {act: "supervise"},
	"POST /console/cases/{id}/answer":             {act: "carry_out", form: stale("answer", "x")},
	"POST /console/cases/{id}/called":             {act: "carry_out", form: stale("called_back", "accepts")},
	"POST /console/cases/{id}/phone":              {act: "reveal", prove: true},

	"GET /console/steps":              {act: "handle"},
	"GET /console/steps/{id}":         {act: "handle"},
	"POST /console/steps/{id}/act":    {act: "handle", form: stale("act", "take", "step", "none")},
	"POST /console/steps/{id}/person": {act: "handle", prove: true},

	"GET /console/accounts":              {act: "manage keys"},
	"GET /console/accounts/{id}":         {act: "manage keys", over: "account", sees: "see"},
	"POST /console/accounts/{id}/reveal": {act: "manage keys", over: "account", sees: "see", may: "reveal", prove: true},
	"GET /console/accounts/{id}/reset":   {act: "manage keys", over: "account", sees: "see", prove: true},
	"POST /console/accounts/{id}/reset":  {act: "manage keys", over: "account", sees: "see", may: "manage", prove: true, form: reason()},
	"GET /console/accounts/{id}/unlock":  {act: "manage keys", over: "account", sees: "see", prove: true},
	"POST /console/accounts/{id}/unlock": {act: "manage keys", over: "account", sees: "see", may: "unlock", prove: true, form: reason()},

	"GET /console/filings":                   {},
	"GET /console/filings/new":               {prove: true},
	"POST /console/filings":                  {prove: true},
	"GET /console/filings/{id}":              {over: "filing", sees: "D3 D2s D1 P1 K"},
	"POST /console/filings/{id}/withdraw":    {over: "filing", sees: "D3"},
	"POST /console/filings/{id}/decide":      {act: "manage keys", over: "filing", sees: "D2s D1 P1", prove: true, form: stale("decision", "confirm", "why", "x")},
	"GET /console/filings/bulk":              {act: "manage keys", prove: true},
	"POST /console/filings/bulk":             {act: "manage keys", prove: true},
	"GET /console/filings/bulk/template.csv": {act: "manage keys", prove: true},

	"GET /console/keys":      {act: "keys"},
	"GET /console/keys/end":  {act: "keys", prove: true},
	"POST /console/keys/end": {act: "keys", prove: true},

	"GET /console/log":           {act: "read_log"},
	"GET /console/retention":     {act: "read_log"},
	"GET /console/log/{n}":       {act: "read_log"},
	"GET /console/log/{n}/proof": {act: "read_log", asset: true},
	"GET /console/log/file":      {act: "read_log", prove: true},
	"POST /console/log/check":    {act: "read_log"},

	"GET /console/operation":           {act: "settings"},
	"POST /console/operation/holidays": {act: "settings", prove: true},
}

// operations says of every operation of the API who may call it.
var operations = map[string]need{
	"list-items": {who: "open"}, "get-item": {who: "open"}, "list-halls-of-item": {who: "open"}, "get-hall": {who: "open"}, "list-districts": {who: "open"},
	"list-waiting": {who: "open"}, "get-hall-waiting": {who: "open"},
	"list-open-data": {who: "open"}, "list-releases": {who: "open"}, "list-changes": {who: "open"},
	"list-draws": {who: "open"}, "get-draw": {who: "open"}, "list-my-entries": {who: "citizen"},
	"get-availability": {who: "open"}, "get-release": {who: "open"}, "find-booking": {who: "open"}, "get-ticket": {who: "open"}, "leave-line": {who: "open"},
	"evaluate": {who: "open", body: `{"grade":5,"fact":"0000"}`},

	"book": {who: "citizen"}, "quote": {who: "citizen"}, "book-together": {who: "citizen"}, "list-bookings": {who: "citizen"}, "list-messages": {who: "citizen"}, "get-me": {who: "citizen"}, "list-sessions": {who: "citizen"},
	"end-other-sessions": {who: "citizen"}, "end-session": {who: "citizen"}, "list-people": {who: "citizen"}, "keep-person": {who: "citizen"}, "forget-person": {who: "citizen"},

	"get-booking": {who: "booking"}, "get-booking-calendar": {who: "booking"}, "move-booking": {who: "booking", body: `{"slot":"` + apptest.QueueA + `-20261130-10"}`}, "cancel-booking": {who: "booking"}, "keep-booking": {who: "booking"},
	"get-standing": {who: "citizen"}, "appeal-standing": {who: "citizen", body: `{"text":"x"}`},
	"get-missed": {who: "booking"}, "appeal-missed": {who: "booking", body: `{"text":"x"}`}, "check-in": {who: "booking", body: `{"code":"ABCDEFGH"}`},
	"list-cases": {who: "booking"}, "remove-cases": {who: "booking", body: `{"cases":[1]}`},
	"join-waitlist": {who: "citizen"}, "list-waits": {who: "citizen"},
	"get-wait": {who: "wait"}, "leave-wait": {who: "wait"}, "took-online": {who: "wait"}, "take-offer": {who: "wait"}, "decline-offer": {who: "wait"},
	"change-wait": {who: "wait", body: `{"halls":["` + apptest.HallA + `"],"dates":["2026-12-01"],"hours":[10]}`},
	"rebook":      {who: "booking", body: `{"slot":"` + apptest.QueueA + `-20261130-10"}`},

	"list-bulletins": {who: "open"}, "get-bulletin": {who: "open"}, "list-announcements": {who: "open"},

	"admin-list-letters":   {act: "supervise"},
	"admin-get-letter":     {act: "supervise"},
	"admin-issue-letter":   {act: "decide", body: `{"unit":"none","subject":"x","text":"x","asks":"x"}`},
	"admin-receive-letter": {scope: "requests", body: `{"version":999}`},
	"admin-reply-letter":   {scope: "requests", body: `{"version":999,"text":"x"}`},
	"admin-check-letter":   {act: "decide", body: `{"version":999,"accept":true,"text":""}`},

	"admin-list-alerts":       {act: "supervise"},
	"admin-acknowledge-alert": {act: "decide"},
	"admin-tell-waiting":      {act: "adjust"},
	"admin-list-anomalies":    {act: "supervise"}, "admin-get-anomaly": {act: "supervise"}, "admin-acknowledge-anomaly": {act: "decide"},
	"admin-act-on-anomaly": {act: "supervise", body: `{"request":"R2026-000001"}`}, "admin-close-anomaly": {act: "decide", body: `{"reason":"explained","why":"x"}`},
	"admin-me":               {},
	"admin-list-halls":       {act: "supervise"},
	"admin-get-hall":         {act: "supervise", over: "hall"},
	"admin-list-requests":    {act: "supervise"},
	"admin-get-request":      {act: "supervise", over: "request"},
	"admin-list-cases":       {act: "supervise"},
	"admin-get-case":         {act: "supervise"},
	"admin-answer-case":      {act: "carry_out", body: `{"version":999,"answer":"x"}`},
	"admin-list-steps":       {act: "handle"},
	"admin-get-step-case":    {act: "handle"},
	"admin-work-step":        {act: "handle", body: `{"step":"none","act":"take","version":1}`},
	"admin-call-back-case":   {act: "carry_out", body: `{"version":999,"called_back":"accepts"}`},
	"admin-list-missed":      {act: "carry_out"},
	"admin-get-missed":       {act: "carry_out", over: "hall"},
	"admin-decide-missed":    {act: "carry_out", over: "hall", body: `{"excuse":false,"why":"x"}`},
	"admin-list-sanctions":   {act: "carry_out"},
	"admin-get-sanction":     {act: "carry_out", over: "hall"},
	"admin-decide-sanction":  {act: "carry_out", over: "hall", body: `{"grant":false,"why":"x"}`},
	"admin-list-displaced":   {act: "supervise", over: "request"},
	"admin-preview-request":  {act: "adjust suggest"},
	"admin-file-request":     {act: "adjust suggest"},
	"admin-decide-request":   {act: "decide", over: "request", body: `{"version":999,"approve":true}`},
	"admin-withdraw-request": {act: "adjust suggest", over: "request", body: `{"version":999}`},
	"admin-report-request":   {act: "carry_out", over: "request", body: `{"version":999,"done":true,"report":"x"}`},
	"admin-get-entry":        {act: "configure", over: "hall"},
	"admin-change-entry":     {act: "configure", over: "hall", body: `{"version":999,"fields":[{"column":"phone","text":"1"}]}`},
	"admin-list-versions":    {act: "supervise", over: "hall"},
	"admin-get-item":         {act: "configure", only: "M2"}, // the agency's second level
	"admin-change-item":      {act: "configure", only: "M2", body: `{"version":999,"fields":[{"column":"hans","text":"1"}]}`},
	"admin-list-accounts":    {act: "manage keys"},
	"admin-get-account":      {act: "manage keys", over: "account", sees: "see"},
	"admin-list-filings":     {scope: "accounts"},
	"admin-get-filing":       {scope: "accounts", over: "filing", sees: "D3 D2s D1 P1 K"},
	"admin-file-account":     {scope: "accounts"},
	"admin-decide-filing":    {scope: "accounts", over: "filing", sees: "D3 D2s D1 P1", body: `{"version":999,"confirm":true,"why":"x"}`},
	"admin-withdraw-filing":  {scope: "accounts", over: "filing", sees: "D3"},
	"admin-decide-bundle":    {act: "decide", over: "bundle", body: `{"approve":false}`},
	"admin-list-ledger":      {act: "supervise"},
	"admin-figures":          {act: "supervise"},
	"admin-measures":         {act: "supervise"},
	"admin-get-ledger-entry": {act: "supervise", over: "entry"},
	"admin-appeal-entry":     {scope: "requests", over: "entry", sees: "nobody", body: `{"why":"x"}`},
	"admin-decide-appeal":    {act: "decide", over: "entry", body: `{"strike":true,"why":"x"}`},
}
