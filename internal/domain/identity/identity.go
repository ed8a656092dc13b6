// Package identity is about who somebody is: documents and their check digits, real-name levels,
// and how names and numbers are shown where others may look. Nothing here stores or looks up.
package identity

import "time"

// DocumentKind is a kind of identity document the product knows.
type DocumentKind string

const (
	ResidentID       DocumentKind = "resident_id"       // 居民身份證, GB 11643; also 港澳台居民居住證 (810000, 820000, 830000)
	ForeignPermanent DocumentKind = "foreign_permanent" // 外國人永久居留身份證, 18 digits (2023) or 15 characters (2017)
	HKMacauPermit    DocumentKind = "hk_macau_permit"   // 港澳居民來往內地通行證: H or M + 8 digits (+ 2)
	TaiwanPermit     DocumentKind = "taiwan_permit"     // 台灣居民來往大陸通行證: 8 digits
	Passport         DocumentKind = "passport"          // travel document of a foreigner; needs Nationality
)

// Document identifies one person. Number is normalised (Normalise) before it is checked or hashed.
type Document struct {
	Kind        DocumentKind `json:"kind"`
	Number      string       `json:"number"`
	Nationality string       `json:"nationality,omitempty"` // ISO 3166 alpha-3, for Passport
}

// Level is the real-name level of the provincial platform, 2 to 5 as it numbers them:
// 2 self-declared, 3 name and number matched, 4 face matched, 5 stronger. Visitor is our own
// local sign-in for foreigner-related business (Art. 12), outside that scale.
type Level int

const (
	Visitor  Level = 0
	Declared Level = 2
	Matched  Level = 3
	Verified Level = 4
	Strong   Level = 5
)

// Key is a keyed hash of a person's or organisation's identity: what the database finds them by.
// It tells nothing without the key.
type Key string

// Person is a real-name person as far as a sign-in has established.
type Person struct {
	Key      Key
	Name     string
	Document Document
	Birth    string // 2006-01-02, for Visitor sign-in; else ""
	Phone    string
	Level    Level
	Agent    []Organisation // organisations this person may act for, as the identity platform says
}

// Organisation is a legal person with its unified social credit code (GB 32100).
type Organisation struct {
	CreditCode string `json:"credit_code"`
	Name       string `json:"name"`
}

// Session is one sign-in of a person. Its secret token is known to the browser only.
type Session struct {
	ID       string // public id of the session, for lists and revocation
	Person   Person
	SignedIn time.Time
	Expires  time.Time
}
