import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Offer, Source } from '../sources/source.js'
import { peekTable } from './peek-columns.js'

const OFFER: Offer = {
  ...{ name: 'https://data.example.org/calls', changeToken: undefined, publishedAt: undefined },
  ...{ rows: undefined, columns: undefined, plan: {} },
}
const TABLE = `id;District\n${Array.from({ length: 200_000 }, (_none, at) => `${at};${at % 9}\n`).join('')}`

/** A source of one file, and how many bytes of it were taken. */
function sourceOf(body: Uint8Array) {
  const told = { taken: 0, ended: false }
  async function* bytes() {
    try {
      for (let at = 0; at < body.length; at += 16_384) {
        told.taken = Math.min(body.length, at + 16_384)
        yield body.subarray(at, at + 16_384)
      }
    } finally {
      told.ended = true
    }
  }
  const source = {
    nextPage: () => ({ page: 0, url: OFFER.name, format: { kind: 'file' } }),
    fetch: async () => ({ bytes: bytes() }),
  } as unknown as Source
  return { source, told }
}

describe('the columns of a file by its start', () => {
  it.each([
    ['plain', Buffer.from(TABLE)],
    ['in gzip', gzipSync(TABLE)],
  ])('are told, %s, by 64 KiB of it, and the transfer is ended', async (_what, body) => {
    const { source, told } = sourceOf(body)
    expect(await peekTable(source, OFFER, 'district')).toEqual({
      columns: ['id', 'District'],
      cells: ['0', '1', '2', '3', '4', '5', '6', '7', '8'],
    })
    expect(told).toEqual({ taken: 65_536, ended: true })
  })

  it('are told by a file that is shorter', async () => {
    const { source } = sourceOf(Buffer.from('id,District\n1,2'))
    expect(await peekTable(source, OFFER, 'district')).toEqual({
      columns: ['id', 'District'],
      cells: ['2'],
    })
  })

  it.each([
    ['an archive', Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(100_000, 'a\n')])],
    ['Parquet', Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(100_000, 'a\n')])],
    ['JSON', Buffer.from(`[${'{"a":1},\n'.repeat(20_000)}]`)],
  ])('are not told by the start of %s', async (_what, body) => {
    expect(await peekTable(sourceOf(body).source, OFFER)).toBeUndefined()
  })
})
