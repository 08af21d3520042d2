// Package identity knows people: users, projects, domains, roles, who has which role where, and the tokens by which they are known
// once they have logged in. It is Keystone's part for those who have no Keystone, as far as block storage needs one.
//
// It keeps rows in a Store and nothing else but two small memories that may be lost: tokens it has looked at a moment ago, and logins
// that went wrong. So several processes can do it side by side.
package identity
