import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RATIO_FROM_BYTES } from '../sources/decode/unpack.js'
import { decodePage } from './decode-page.js'
import { GrowingFile } from './growing-file.js'

describe('a body that is read while it is received', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-growing-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const read = async (growing: GrowingFile) => {
    const pieces: Uint8Array[] = []
    for await (const piece of growing.body().open()) pieces.push(Buffer.from(piece))
    return Buffer.concat(pieces)
  }

  it('gives every reader all bytes in order, whenever it begins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(900_000), { maxLength: 6 }), fc.nat(6), async (sizes, late) => {
        const pieces = sizes.map((size, at) => Buffer.alloc(size, at + 1))
        async function* slowly() {
          for (const piece of pieces) {
            await nextTurn()
            yield piece
          }
        }
        const growing = new GrowingFile('page', join(folder, 'a'), slowly())
        const first = read(growing)
        for (let turn = 0; turn < late; turn++) await nextTurn()
        const all = Buffer.concat(pieces)
        expect((await first).equals(all)).toBe(true)
        expect((await read(growing)).equals(all)).toBe(true)
        expect(await growing.received()).toEqual({
          sha256: createHash('sha256').update(all).digest('hex'),
          bytes: all.length,
        })
        expect((await readFile(join(folder, 'a'))).equals(all)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('tells every reader how a transfer broke, and never lets one end early', async () => {
    for (const bytes of [0, 10, 3_000_000]) {
      async function* broken() {
        if (bytes > 0) yield Buffer.alloc(bytes, 1)
        await nextTurn()
        throw new Error('the line went dead')
      }
      const growing = new GrowingFile('page', join(folder, 'b'), broken())
      await expect(read(growing)).rejects.toThrow('the line went dead')
      await expect(growing.whole()).rejects.toThrow('the line went dead')
      await expect(read(growing)).rejects.toThrow('the line went dead')
    }
  })

  it('is read also where it grows far beyond its compressed size', async () => {
    const line = (at: number) => `${at},${(at * 7_919) % 99_991},a street with a name,open\n`
    const text = Buffer.from(
      `id,n,place,state\n${Array.from({ length: 1_900_000 }, (_line, at) => line(at)).join('')}`,
    )
    const zipped = gzipSync(text, { level: 1 })
    async function* pieces() {
      for (let at = 0; at < zipped.length; at += 65_536) yield zipped.subarray(at, at + 65_536)
    }
    const growing = new GrowingFile('page', join(folder, 'd'), pieces())
    const page = await decodePage(growing.body(), { kind: 'file' }, folder)
    let bytes = 0
    for await (const piece of page.open()) bytes += piece.length
    expect(text.length).toBeGreaterThan(RATIO_FROM_BYTES)
    expect(bytes).toBe(text.length)
  }, 60_000)

  it('asks for nothing more once it is abandoned', async () => {
    let asked = 0
    let isClosed = false
    async function* endless() {
      try {
        for (;;) {
          await nextTurn()
          asked += 1
          yield Buffer.alloc(1_000)
        }
      } finally {
        isClosed = true
      }
    }
    const growing = new GrowingFile('page', join(folder, 'c'), endless())
    for await (const _piece of growing.body().open()) break
    await growing.abandon()
    const before = asked
    await nextTurn()
    expect([isClosed, asked]).toEqual([true, before])
  })
})
