// Package nova tells a compute service (Nova) what has become of volumes that its servers use, as Cinder does: by os-server-external-events, logged in
// with the options of [nova].
//
// What it answers are flow errors: unavailable where trying again may help, certain where Nova has refused for good.
package nova
