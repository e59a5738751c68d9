import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../kernel/ids.js'
import {
  EMPTY_EDGE,
  EMPTY_ROOT,
  extendEdge,
  leafHash,
  nodeHash,
  proveInclusion,
  rootOfLeaves,
  toHex,
  verifyInclusion,
} from './merkle.js'

const text = (value: string) => new TextEncoder().encode(value)
const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i % 256)))
const anySize = fc.integer({ min: 1, max: 300 })

describe('the Merkle tree', () => {
  it('hashes nothing, a leaf and a node as RFC 6962 says', () => {
    expect(toHex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(toHex(rootOfLeaves([]))).toBe(toHex(EMPTY_ROOT))
    expect(toHex(leafHash(text('')))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    expect(toHex(leafHash(text('a')))).toBe(sha256Hex('\x00a'))
    const [left, right] = [leafHash(text('a')), leafHash(text('b'))]
    expect(toHex(nodeHash(left, right))).toBe(sha256Hex(Buffer.concat([Buffer.of(1), left, right])))
  })

  it('splits an odd number of leaves at the largest power of two', () => {
    const [a, b, c, d, e] = leavesOf(5) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    expect(rootOfLeaves([a])).toEqual(a)
    expect(rootOfLeaves([a, b, c])).toEqual(nodeHash(nodeHash(a, b), c))
    expect(rootOfLeaves([a, b, c, d, e])).toEqual(nodeHash(nodeHash(nodeHash(a, b), nodeHash(c, d)), e))
  })

  it('has one right-edge hash for each 1-bit of its size, and the same edge however it grew', () => {
    fc.assert(
      fc.property(anySize, anySize, (size, step) => {
        const leaves = leavesOf(size)
        const whole = extendEdge(EMPTY_EDGE, leaves)
        let grown = EMPTY_EDGE
        for (let at = 0; at < size; at += step) grown = extendEdge(grown, leaves.slice(at, at + step))
        expect(grown).toEqual(whole)
        expect(whole.hashes.length).toBe(size.toString(2).replaceAll('0', '').length)
      }),
      { numRuns: 50 },
    )
  })

  it('goes on from an edge of forty hashes, the longest a log can have', () => {
    const size = 2 ** 40 - 1
    const full = { size, hashes: leavesOf(40) }
    const grown = extendEdge(full, [leafHash(text('last'))])
    expect(grown.size).toBe(2 ** 40)
    expect(grown.hashes.length).toBe(1)
  })
})

describe('inclusion proofs', () => {
  it('prove every leaf of every tree, and are no longer than the tree is high', () => {
    fc.assert(
      fc.property(anySize, fc.nat(), (size, seed) => {
        const leaves = leavesOf(size)
        const index = seed % size
        const proof = proveInclusion(index, leaves)
        expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)))
        expect(verifyInclusion(claimed(index, leaves, proof))).toBe(true)
      }),
    )
  })

  it('are refused for another leaf, index, size or root, or when one bit or hash differs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (size, seed, flip) => {
        const leaves = leavesOf(size)
        const index = seed % size
        const whole = claimed(index, leaves, proveInclusion(index, leaves))
        const flipped = whole.proof.map((hash, i) =>
          i === flip % whole.proof.length ? flipBit(hash, flip) : hash,
        )
        const damaged = [
          { ...whole, leafHash: flipBit(whole.leafHash, flip) },
          { ...whole, root: flipBit(whole.root, flip) },
          { ...whole, proof: flipped },
          { ...whole, proof: whole.proof.slice(1) },
          { ...whole, proof: [...whole.proof, whole.root] },
          { ...whole, index: size },
          { ...whole, index: -1 },
          { ...whole, index: 0, size: 1, leafHash: new Uint8Array(0), root: new Uint8Array(0), proof: [] },
          { ...whole, index: index === 0 ? 1 : index - 1 },
        ]
        for (const one of damaged) expect(verifyInclusion(one)).toBe(false)
      }),
    )
  })

  it('are not made for an index outside the tree', () => {
    expect(() => proveInclusion(3, leavesOf(3))).toThrow(RangeError)
    expect(() => proveInclusion(-1, leavesOf(3))).toThrow(RangeError)
    expect(() => proveInclusion(0, [])).toThrow(RangeError)
  })
})

const vectors = findVectors()
const where = vectors === undefined ? ' (skipped: ../shared is absent)' : ''

describe.skipIf(vectors === undefined)(`vectors made by other implementations${where}`, () => {
  const read = <Shape>(name: string) => JSON.parse(readFileSync(join(vectors!, name), 'utf8')) as Shape
  const base64 = (value: string) => Buffer.from(value, 'base64')

  it('give the roots of the reference tree', () => {
    const tree = read<{ leafInputs: string[]; rootHashBySize: string[] }>(
      'merkle/rfc6962-reference-tree.json',
    )
    const leaves = tree.leafInputs.map((hex) => leafHash(Buffer.from(hex, 'hex')))
    expect(tree.rootHashBySize.map((_, size) => toHex(rootOfLeaves(leaves.slice(0, size))))).toEqual(
      tree.rootHashBySize,
    )
  })

  it('have their inclusion proofs accepted and refused as they ask', () => {
    const cases = read<InclusionCase[]>('merkle/inclusion.json')
    expect(cases.length).toBeGreaterThan(40)
    for (const { leafIdx, treeSize, root, leafHash: leaf, proof, wantErr, file } of cases) {
      const holds = verifyInclusion({
        index: leafIdx,
        size: treeSize,
        root: base64(root),
        leafHash: base64(leaf),
        proof: (proof ?? []).map(base64),
      })
      expect(holds, file).toBe(!wantErr)
    }
  })

  it('agree on every subtree and inclusion proof up to 130 leaves', () => {
    const { cases } = read<{ cases: { want: string }[] }>('merkle/accumulated-subtree.json')
    const leaves = leavesOf(130)
    const [hashes, proofs]: [string[], string[]] = [[], []]
    for (const [start, end] of subtrees(130)) {
      const within = leaves.slice(start, end)
      hashes.push(`[${start}, ${end}) ${toHex(rootOfLeaves(within))}\n`)
      within.forEach((_, i) => {
        const path = proveInclusion(i, within).map((hash) => ` ${toHex(hash)}`)
        proofs.push(`${start + i} [${start}, ${end})${path.join('')}\n`)
      })
    }
    expect([sha256Hex(hashes.join('')), sha256Hex(proofs.join(''))]).toEqual(cases.map(({ want }) => want))
  })

  it('give the roots that another log has signed over its own entries', () => {
    const entries = splitBundle(readFileSync(join(vectors!, 'small-log/tile/entries/000.p/7')))
    for (let size = 0; size <= 7; size++) {
      const [, , root] = readFileSync(join(vectors!, `small-log/checkpoint.${size}`), 'utf8').split('\n')
      expect(Buffer.from(rootOfLeaves(entries.slice(0, size).map(leafHash))).toString('base64')).toBe(root)
    }
  })

  it('hold for entries of a public log in use', () => {
    const cases = read<RekorCase[]>('rekor-v2/checkpoints-and-proofs.json')
    for (const { leafBase64, leafIndex, treeSize, rootBase64, proofBase64 } of cases) {
      const proof = proofBase64.map(base64)
      const [index, size] = [Number(leafIndex), Number(treeSize)]
      const leaf = leafHash(base64(leafBase64))
      expect(verifyInclusion({ index, size, leafHash: leaf, root: base64(rootBase64), proof })).toBe(true)
    }
  })
})

interface InclusionCase {
  file: string
  leafIdx: number
  treeSize: number
  root: string
  leafHash: string
  proof: string[] | null
  wantErr: boolean
}

interface RekorCase {
  leafBase64: string
  leafIndex: string
  treeSize: string
  rootBase64: string
  proofBase64: string[]
}

function claimed(index: number, leaves: Uint8Array[], proof: Uint8Array[]) {
  return { index, size: leaves.length, leafHash: leaves[index]!, root: rootOfLeaves(leaves), proof }
}

function flipBit(hash: Uint8Array, seed: number): Uint8Array {
  const copy = Uint8Array.from(hash)
  copy[seed % copy.length]! ^= 1 << (seed % 8)
  return copy
}

/** Valid subtrees [start, end): start is a multiple of the smallest power of two that is at least their size. */
function* subtrees(most: number): Generator<[number, number]> {
  for (let end = 0; end <= most; end++) {
    for (let start = 0; start <= end; start++) {
      const power = 2 ** Math.ceil(Math.log2(Math.max(1, end - start)))
      if (start === end || start % power === 0) yield [start, end]
    }
  }
}

function splitBundle(bundle: Buffer): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) {
    entries.push(bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at)))
  }
  return entries
}

/** The shared vectors lie beside the repository, some folders up. */
function findVectors(): string | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const vectors = join(folder, 'shared', 'fixtures', 'tlog')
    if (existsSync(vectors)) return vectors
    if (folder === dirname(folder)) return undefined
  }
}
