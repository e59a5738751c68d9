import { describe, expect, it } from 'vitest'
import { type LedgerEvent, LedgerEvent as LedgerEventSchema, MAX_EVENT_BYTES } from '../contracts/event.js'
import type { PublicationProposal } from '../contracts/proposal.js'
import { digestOf, type Json } from '../kernel/ids.js'
import { prepareEvent, toLeaf } from './compose.js'
import { findingEvent, publishedEvent, republishedId, sourceOf, withdrawnEvent } from './events.js'
import { CITY, completeRun, proposeFinding, publication } from './test-lake.js'

const DETECT = sourceOf(CITY, 'detect')
const INGEST = sourceOf(CITY, 'ingest')
const AT = '2026-01-05T12:00:00.000Z'

describe('the event of a finding', () => {
  const proposal = proposeFinding()
  const event = findingEvent(proposal, DETECT)

  it('keeps the id, times, claim and evidence of its proposal', () => {
    expect(event).toMatchObject({
      id: proposal.id,
      source: 'urn:wardbook:testville:detect',
      type: 'org.wardbook.finding.new',
      subject: proposal.finding,
      time: proposal.time,
      knownat: proposal.knownAt,
      data: { claim: proposal.claim, evidence: proposal.evidence },
    })
  })

  it('carries its dimensions as flat CloudEvents attributes: text, whole numbers, true or false', () => {
    const { data, ...attributes } = event
    expect(attributes).toMatchObject({
      dataset: 'requests',
      category: 'Pothole',
      metric: 'count',
      direction: 'up',
      division: '7',
      windowfrom: '2025-03-03',
      windowto: '2025-03-10',
      onset: '2025-03-03',
      grain: 'week',
      weekofyear: 10,
      severity: 'medium',
      expected: '10.5',
      observed: '30',
      samplesize: 156,
      familysize: 400,
      reconstructed: false,
    })
    for (const [name, value] of Object.entries(attributes)) {
      expect(name).toMatch(/^[a-z0-9]{1,20}$/)
      if (typeof value === 'number') expect(Number.isInteger(value), name).toBe(true)
    }
    expect(LedgerEventSchema.safeParse(event).success).toBe(true)
  })

  it('counts weeks as ISO 8601 does, over the turn of the year', () => {
    const weekOf = (onset: string) => findingEvent(proposeFinding({ onset }), DETECT).weekofyear
    expect(['2024-12-30', '2020-12-28', '2021-01-04', '2023-01-02'].map(weekOf)).toEqual([1, 53, 1, 1])
  })

  it('says what it supersedes, and why', () => {
    const superseding = findingEvent(proposal, DETECT, { id: 'old', reason: 'claim-changed' }, 'another')
    expect(superseding).toMatchObject({ id: 'another', supersedes: 'old', reason: 'claim-changed' })
  })

  it('keeps its claim and says how many files it left out, when they do not fit', () => {
    const files = Array.from({ length: 2_000 }, (_, i) => ({ path: `part-${i}`, sha256: 'ab'.repeat(32) }))
    const large = findingEvent(proposeFinding({ evidence: { ...proposal.evidence, files } }), DETECT)
    const kept = (large.data.evidence as { files: unknown[] }).files
    expect(toLeaf(large, AT).length).toBeLessThanOrEqual(MAX_EVENT_BYTES)
    expect(toLeaf(large, AT).length).toBeGreaterThan(MAX_EVENT_BYTES * 0.95)
    expect(large.data.claim).toEqual(proposal.claim)
    expect(kept).toEqual(files.slice(0, kept.length))
    expect(large.data.filesOmitted).toBe(2_000 - kept.length)
    expect(large.data.filesDigest).toBe(digestOf(files))
  })

  it('is refused when it is too large without any list', () => {
    const evidence = { ...proposal.evidence, sql: 'x'.repeat(70_000) }
    expect(() => findingEvent(proposeFinding({ evidence }), DETECT)).toThrow(/without its lists/)
  })
})

describe('the event of a publication', () => {
  it('binds a snapshot to its files and parts, citywide', () => {
    const proposal = publication(2)
    const { files, parts } = proposal
    expect(publishedEvent(proposal, INGEST)).toMatchObject({
      id: proposal.id,
      type: 'org.wardbook.dataset.published',
      source: 'urn:wardbook:testville:ingest',
      subject: 'requests/portal',
      dataset: 'requests',
      division: 'citywide',
      data: { source: 'portal', files, parts, rows: 100, quarantined: 0, snapshot: 2 },
    })
  })

  it('fits whatever the number of files and parts, and is the same event each time', () => {
    const files = Array.from({ length: 900 }, (_, i) => ({
      url: `https://a/${i}`,
      sha256: 'cd'.repeat(32),
      rows: i,
    }))
    const parts = Array.from({ length: 9_000 }, (_, i) => ({
      division: `${i}`,
      sha256: 'ef'.repeat(32),
      rows: i,
    }))
    const proposal: PublicationProposal = { ...publication(1), files, parts }
    const event = publishedEvent(proposal, INGEST)
    expect(toLeaf(event, AT).length).toBeLessThanOrEqual(MAX_EVENT_BYTES)
    const { data } = event
    expect((data.parts as Json[]).length + Number(data.partsOmitted)).toBe(9_000)
    expect((data.files as Json[]).length + Number(data.filesOmitted ?? 0)).toBe(900)
    expect(data.partsDigest).toBe(digestOf(parts))
    expect(publishedEvent(proposal, INGEST)).toEqual(event)
  })
})

describe('the event of a withdrawal', () => {
  const last = { ...findingEvent(proposeFinding(), DETECT), recordedtime: AT } as LedgerEvent

  it('repeats the last claim and dimensions, and names the event and the run', () => {
    const event = withdrawnEvent(last, completeRun('run-2', 2), '2025-12-02T00:00:00.000Z')
    expect(event).toMatchObject({
      type: 'org.wardbook.finding.withdrawn',
      subject: last.subject,
      division: '7',
      windowfrom: last.windowfrom,
      supersedes: last.id,
      reason: 'not-proposed',
      knownat: '2025-12-02T00:00:00.000Z',
      data: { claim: last.data.claim, run: 'run-2', snapshots: { portal: 2 } },
    })
    expect(event.recordedtime).toBeUndefined()
    expect(() => prepareEvent(event)).not.toThrow()
  })

  it('has an id of its own for each run and each event that it follows', () => {
    const at = '2025-12-02T00:00:00.000Z'
    const ids = [
      withdrawnEvent(last, completeRun('run-2'), at),
      withdrawnEvent(last, completeRun('run-3'), at),
      withdrawnEvent({ ...last, id: republishedId(proposeFinding(), 'w') }, completeRun('run-2'), at),
    ].map(({ id }) => id)
    expect(new Set([...ids, last.id]).size).toBe(4)
    expect(withdrawnEvent(last, completeRun('run-2'), '2026-01-01T00:00:00.000Z').id).toBe(ids[0])
  })
})
