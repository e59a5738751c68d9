import { describe, expect, it } from 'vitest'
import { WardbookError } from '../kernel/errors.js'
import { composeSegment, EMPTY_HEAD } from './chain.js'
import { segmentKey } from './layout.js'
import { decodeSegment } from './segment.js'
import { ORIGIN } from './test-lake.js'

const KEY = 'ledger/main/seg/x000/x000/x000/000'
const leaves = ['{"id":"a"}', '', '{"id":"ward 7"}'].map((text) => Buffer.from(text))
const stamp = { at: '2026-01-05T12:00:00.000Z', writer: 'wardbook', nonce: 'n-1' }
const compose = () => composeSegment(EMPTY_HEAD, { log: 'main', origin: ORIGIN }, leaves, stamp)

describe('a segment file', () => {
  it('is named by its start in four groups of three digits', () => {
    expect(segmentKey('main', 0)).toBe(KEY)
    expect(segmentKey('main', 1_234)).toBe('ledger/main/seg/x000/x000/x001/234')
    expect(segmentKey('main', 123_456_789_012)).toBe('ledger/main/seg/x123/x456/x789/012')
  })

  it('gives back what went in, with the header of its place in the log', () => {
    const { key, bytes, segment, head } = compose()
    expect(key).toBe(KEY)
    const back = decodeSegment(key, bytes)
    expect(back.leaves.map((leaf) => Buffer.from(leaf).toString())).toEqual(leaves.map(String))
    expect(back.header).toEqual(segment.header)
    expect(back.header).toMatchObject({ v: 1, origin: ORIGIN, start: 0, count: 3, codec: 'gzip', ...stamp })
    expect(back.header).toMatchObject({ prevRoot: EMPTY_HEAD.root, root: head.root })
    expect(back.header.edge.length).toBe(2)
  })

  it('is one line of canonical JSON, a gzip body, and the SHA-256 of all before it', () => {
    const { bytes, segment } = compose()
    const headerEnd = bytes.indexOf(0x0a)
    const line = Buffer.from(bytes.subarray(0, headerEnd)).toString()
    expect(Object.keys(JSON.parse(line))).toEqual(Object.keys(JSON.parse(line)).sort())
    expect([...bytes.subarray(headerEnd + 1, headerEnd + 3)]).toEqual([0x1f, 0x8b])
    expect(bytes.length).toBe(headerEnd + 1 + segment.header.bodyLen + 32)
  })

  it('has the same bytes each time, with no clock and no machine in them', () => {
    const { bytes } = compose()
    expect(compose().bytes).toEqual(bytes)
    const gzip = bytes.subarray(bytes.indexOf(0x0a) + 1)
    expect([...gzip.subarray(4, 8)], 'time').toEqual([0, 0, 0, 0])
    expect(gzip[9], 'operating system').toBe(255)
  })

  it('is refused, by its name, when any bit of any byte differs', () => {
    const { bytes } = compose()
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes)
      damaged[at]! ^= 1 << (at % 8)
      expectBroken(damaged)
    }
  })

  it('is refused when it ends early or goes on', () => {
    const { bytes } = compose()
    for (let length = 0; length < bytes.length; length++) expectBroken(bytes.subarray(0, length))
    expectBroken(Buffer.concat([bytes, Buffer.of(0)]))
  })
})

function expectBroken(bytes: Uint8Array): void {
  try {
    decodeSegment(KEY, bytes)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(WardbookError)
    expect(thrown).toMatchObject({ code: 'ledger-segment-broken', remedy: 'fix-source', facts: { key: KEY } })
    expect((thrown as Error).message).toContain(KEY)
    return
  }
  expect.unreachable('a damaged segment was accepted')
}
