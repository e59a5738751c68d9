/** Where a cluster of one monitor, one memory store and one gateway lives. */
export interface ClusterPlace {
  readonly folder: string
  readonly fsid: string
  readonly monPort: number
  readonly gatewayPort: number
}

const MEMORY_STORE_BYTES = 4 * 2 ** 30 // an upper bound, not taken at once

/** `ceph.conf`: everything below one folder and on loopback, no authentication between the daemons, one copy of the data. */
export function cephConfig({ folder, fsid, monPort, gatewayPort }: ClusterPlace): string {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monPort}
public addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
pid file = ${folder}/run/$name.pid
log file = ${folder}/log/$name.log
crash dir = ${folder}/run

[mon.a]
mon data = ${folder}/mon/a

[osd.0]
osd data = ${folder}/osd/0
osd objectstore = memstore
memstore device bytes = ${MEMORY_STORE_BYTES}

[client.rgw.a]
rgw data = ${folder}/rgw/a
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
`
}
