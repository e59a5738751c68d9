import { describe, expect, it } from 'vitest'
import { BOUNDED, FAST } from '../ingest/profiles.js'
import { ingestProfile } from './ingest-profile.js'

const LARGE = { cores: 4, memoryBytes: 8 * 2 ** 30 }

describe('the profile of ingestion', () => {
  it('is fast where there are cores and memory for it, else bounded', () => {
    expect(ingestProfile({}, LARGE)).toBe(FAST)
    expect(ingestProfile({}, { ...LARGE, cores: 1 })).toBe(BOUNDED)
    expect(ingestProfile({}, { ...LARGE, memoryBytes: 2 ** 30 })).toBe(BOUNDED)
  })

  it('is what the environment names, and nothing else', () => {
    expect(ingestProfile({ WARDBOOK_INGEST_PROFILE: 'bounded' }, LARGE)).toBe(BOUNDED)
    expect(ingestProfile({ WARDBOOK_INGEST_PROFILE: 'fast' }, { cores: 1, memoryBytes: 1 })).toBe(FAST)
    expect(() => ingestProfile({ WARDBOOK_INGEST_PROFILE: 'slow' }, LARGE)).toThrow(
      expect.objectContaining({ code: 'bad-ingest-profile', remedy: 'fix-config' }),
    )
  })
})
