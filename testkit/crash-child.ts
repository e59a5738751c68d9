import { openLocalStore } from '../src/lake/local/local-store.js'
import { crashingAt } from './crash-store.js'
import { type Phase, runPhase } from './grouped-table.js'

/** One phase of a table's life in a process that is killed at its n-th write: `<folder> <phase> <write> before|after`. */
const [folder = '', phase, write, when] = process.argv.slice(2)
const store = await openLocalStore(folder)
const point = { write: Number(write), when: when as 'before' | 'after', how: 'sigkill' } as const
await runPhase(crashingAt(store, point), phase as Phase)
