import { z } from 'zod'

const NewsItem = z.object({
  index: z.number(),
  finding: z.string(),
  address: z.string(),
  state: z.string(),
  sentence: z.string().nullable(),
  claim: z.object({ to: z.string() }).nullable(),
})
export type NewsItem = z.infer<typeof NewsItem>

const NewsPage = z.object({ findings: z.array(NewsItem), next: z.string().nullable() })
const LIMIT = 1_000

/** Follows the findings of a running server through its API: what came since it looked last. */
export class NewsReader {
  private constructor(
    private readonly url: string,
    private seen: number,
  ) {}

  /** Begins behind what is there already. */
  static async open(url: string): Promise<NewsReader> {
    const reader = new NewsReader(url, -1)
    await reader.read()
    return reader
  }

  /** The newest event of each finding that something new is said of, latest weeks first. */
  async read(): Promise<NewsItem[]> {
    const newest = new Map<string, NewsItem>()
    for (let more = true; more; ) {
      const answer = await fetch(
        `${this.url}/api/v1/findings?cursor=${Math.max(0, this.seen)}&limit=${LIMIT}`,
      )
      const { findings, next } = NewsPage.parse(await answer.json())
      for (const item of findings) {
        if (item.index <= this.seen) continue
        this.seen = item.index
        newest.set(item.finding, item)
      }
      more = next !== null
    }
    return [...newest.values()].sort((a, b) => ((a.claim?.to ?? '') < (b.claim?.to ?? '') ? 1 : -1))
  }
}
