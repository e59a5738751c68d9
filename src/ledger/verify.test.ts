import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scopeTo } from '../lake/prefixes.js'
import { composeSegment, EMPTY_HEAD } from './chain.js'
import { toLeaf } from './compose.js'
import { LogReader } from './log-reader.js'
import { makeReceipt, verifyReceipt } from './receipt.js'
import { anyEvent, makeLake, ORIGIN, openLog } from './test-lake.js'
import { verifyLog } from './verify.js'

let lake: Awaited<ReturnType<typeof makeLake>>
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

async function writeThreeSegments() {
  const log = await openLog(lake.store)
  for (const batch of [[0, 1, 2], [3], [4, 5]]) await log.append(batch.map((n) => anyEvent(n)))
  return log
}
const fileOf = (start: number) => join(lake.folder, `ledger/main/seg/x000/x000/x000/00${start}`)
const audit = () => verifyLog({ store: scopeTo('serve', lake.store) })

describe('an audit of the log', () => {
  it('reads every segment and returns size and root, with a right to read only', async () => {
    const { size, root } = await writeThreeSegments()
    expect(await audit()).toEqual({ size, root, segments: 3 })
  })

  it('finds any changed byte', async () => {
    await writeThreeSegments()
    const whole = await readFile(fileOf(3))
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << (at % 8)
      await writeFile(fileOf(3), damaged)
      await expect(audit()).rejects.toMatchObject({ code: 'ledger-segment-broken' })
    }
    await writeFile(fileOf(3), whole)
    expect((await audit()).size).toBe(6)
  })

  it('finds a segment that is gone from the middle, and one that does not belong', async () => {
    await writeThreeSegments()
    const whole = await readFile(fileOf(3))
    await rm(fileOf(3))
    await expect(audit()).rejects.toMatchObject({ code: 'ledger-segment-broken' })
    await writeFile(fileOf(3), whole)
    await writeFile(fileOf(5), whole)
    await expect(audit()).rejects.toMatchObject({ code: 'ledger-segment-broken' })
  })

  it('finds a whole segment that was made for another history', async () => {
    await writeThreeSegments()
    const forged = (origin: string, n: number) =>
      composeSegment(EMPTY_HEAD, { log: 'main', origin }, [toLeaf(anyEvent(n), '2026-01-05T12:00:00.000Z')], {
        at: '2026-01-05T12:00:00.000Z',
        writer: 'wardbook',
        nonce: 'x',
      }).bytes
    await writeFile(fileOf(0), forged('wardbook/elsewhere/main', 0))
    await expect(audit()).rejects.toMatchObject({ code: 'ledger-chain-broken', facts: { member: 'origin' } })
    await writeFile(fileOf(3), forged(ORIGIN, 3))
    await writeFile(fileOf(0), forged(ORIGIN, 9))
    await expect(audit()).rejects.toMatchObject({ code: 'ledger-segment-broken' })
  })

  it('finds events that no honest writer makes: an id twice, another recordedtime, no canonical form', async () => {
    const at = '2026-01-05T12:00:00.000Z'
    const stamp = { at, writer: 'other', nonce: 'x' }
    const leaf = toLeaf(anyEvent(0), at)
    const wrong: [string, Uint8Array[]][] = [
      ['ledger-id-twice', [leaf, leaf]],
      ['ledger-segment-broken', [toLeaf(anyEvent(0), '2026-01-05T13:00:00.000Z')]],
      ['ledger-segment-broken', [Buffer.from(` ${Buffer.from(leaf).toString()}`)]],
    ]
    await openLog(lake.store)
    for (const [code, leaves] of wrong) {
      const { bytes } = composeSegment(EMPTY_HEAD, { log: 'main', origin: ORIGIN }, leaves, stamp)
      await mkdir(dirname(fileOf(0)), { recursive: true })
      await writeFile(fileOf(0), bytes)
      await expect(audit()).rejects.toMatchObject({ code })
    }
  })

  it('says that there is no log', async () => {
    await expect(audit()).rejects.toMatchObject({ code: 'ledger-missing', remedy: 'fix-config' })
  })
})

describe('a receipt', () => {
  it('proves each event against the root of the log, for a reader that may not write', async () => {
    const { root } = await writeThreeSegments()
    const reader = (await LogReader.open(scopeTo('serve', lake.store)))!
    for (let index = 0; index < 6; index++) {
      const receipt = (await makeReceipt(reader, index))!
      expect(receipt).toMatchObject({ index, size: 6, root, leafHash: (await reader.event(index))?.leafHash })
      expect(verifyReceipt(receipt)).toBe(true)
      expect(verifyReceipt({ ...receipt, index: (index + 1) % 6 })).toBe(false)
      expect(verifyReceipt({ ...receipt, leafHash: root })).toBe(false)
    }
    expect(await makeReceipt(reader, 6)).toBeUndefined()
  })
})
