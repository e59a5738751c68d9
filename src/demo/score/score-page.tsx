import type { ComponentChildren, VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { Score } from './score-shape.js'
import { SCORE_STYLE } from './score-style.js'
import { DatasetTable, EventTable, FigureTable, KindTable } from './score-tables.js'
import { falseOf, findingWords, missedOf, number, partOf } from './words.js'

/** Sentences of a list that the page shows; the rest is in the score as data. */
const SENTENCES_SHOWN = 100

/** A score as one HTML file: no script, nothing from another host. */
export function renderScorePage(score: Score): string {
  return `<!doctype html>${renderToString(<ScorePage score={score} />)}`
}

function ScorePage({ score }: { score: Score }): VNode {
  const title = `How well ${score.city} was read`
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <style dangerouslySetInnerHTML={{ __html: SCORE_STYLE }} />
      </head>
      <body>
        <main>
          <p class="notice" role="note">
            <strong>{score.city} is a simulated city.</strong> What happened in it was planted, so it is known
            what a reader of its data should find. Nothing here is about a real place.
          </p>
          <h1>{title}</h1>
          <Lead score={score} />
          <FigureTable score={score} />
          <Meaning score={score} />
          <Section title="By kind of event">
            <KindTable score={score} />
          </Section>
          <Section title="By dataset">
            <DatasetTable score={score} />
          </Section>
          <Missed score={score} />
          <False score={score} />
          <Traps score={score} />
          <Categories score={score} />
          <Section title="Every planted event">
            <EventTable score={score} />
          </Section>
        </main>
      </body>
    </html>
  )
}

function Lead({ score: { counts, seed, size, from, asOf } }: { score: Score }): VNode {
  const { recall, precision } = counts
  return (
    <>
      <p class="lead">
        Of the rises and falls that were planted and could be found, {partOf(recall)} were. Of the rises and
        falls that were reported, {partOf(precision)} were planted.
      </p>
      <p class="muted">
        Days {from} to {asOf}, seed {seed}, size {size}.
      </p>
    </>
  )
}

function Meaning({ score }: { score: Score }): VNode {
  return (
    <Section title="What the numbers say, and what they do not">
      <dl>
        <dt>Found</dt>
        <dd>
          A finding fits the planted event in dataset, division, category, direction and time. Events that
          began before anything was tested, or in the last week, are not asked for.
        </dd>
        <dt>Right</dt>
        <dd>A finding that fits a planted event. Withdrawn findings are left out{withdrawnWords(score)}.</dd>
        <dt>Half within</dt>
        <dd>
          Days from the event’s first day until half (9 in 10) of those found had been told. “Known” counts
          until the data that the finding rests on was published.
        </dd>
        <dt>Trap</dt>
        <dd>
          Something that happened to the publication alone: an outage, a change of system, a gap. Whoever
          reports it as a rise or fall is wrong.
        </dd>
        <dt>Not said</dt>
        <dd>
          How often findings are right in a real city, where events are less clean and nobody knows all of
          them. The numbers depend on what was planted: compare only scores of the same seed and size.
        </dd>
      </dl>
    </Section>
  )
}

function withdrawnWords({ withdrawn }: Score): string {
  return withdrawn === 0 ? '' : ` (${number(withdrawn)})`
}

function Missed({ score }: { score: Score }): VNode {
  const missed = missedOf(score)
  return (
    <Section title={`Planted and not found: ${number(missed.length)}`}>
      <Sentences
        none="Every event that could be found was found."
        items={missed.map(({ id, from, said }) => (
          <li key={id}>
            <span class="day muted">{from}</span> {said}
          </li>
        ))}
      />
    </Section>
  )
}

function False({ score }: { score: Score }): VNode {
  const wrong = falseOf(score)
  return (
    <Section title={`Reported, and nothing was planted there: ${number(wrong.length)}`}>
      <Sentences
        none="Every finding belongs to a planted event."
        items={wrong.map((finding) => (
          <li key={finding.finding}>
            {findingWords(finding)} <code class="muted">/f/{finding.finding}</code>
          </li>
        ))}
      />
    </Section>
  )
}

function Traps({ score: { traps } }: { score: Score }): VNode {
  const reported = traps.filter((trap) => trap.reported.length > 0)
  return (
    <Section
      title={`Traps reported as a rise or fall: ${number(reported.length)} of ${number(traps.length)}`}
    >
      {traps.length === 0 && <p>No trap was planted in tested weeks.</p>}
      {traps.length > 0 && (
        <Sentences
          none="None of the traps was reported as a rise or fall."
          items={reported.map(({ event, said, reported: wrong }) => (
            <li key={event}>
              {said}
              <Sentences
                none=""
                items={wrong.map(({ finding, sentence }) => (
                  <li key={finding}>
                    <span class="missed">Reported:</span> {sentence} <code class="muted">/f/{finding}</code>
                  </li>
                ))}
              />
            </li>
          ))}
        />
      )}
    </Section>
  )
}

function Categories({ score: { categories } }: { score: Score }): VNode {
  return (
    <Section title={`Categories under other than one name: ${number(categories.wrong.length)}`}>
      <Sentences
        none="Every category stands under exactly one name."
        items={categories.wrong.map(({ dataset, category, seen }) => (
          <li key={`${dataset}/${category}`}>
            {dataset}: {category} {seen.length === 0 ? 'is nowhere.' : `stands apart as ${seen.join(', ')}.`}
          </li>
        ))}
      />
    </Section>
  )
}

function Section({ title, children }: { title: string; children: ComponentChildren }): VNode {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** A list of sentences that does not become endless. */
function Sentences({ items, none }: { items: readonly VNode[]; none: string }): VNode {
  if (items.length === 0) return <p>{none}</p>
  const more = items.length - SENTENCES_SHOWN
  return (
    <>
      <ul>{items.slice(0, SENTENCES_SHOWN)}</ul>
      {more > 0 && (
        <p class="muted">
          And {number(more)} more: <code>wardbook demo score --json</code> has all of them.
        </p>
      )}
    </>
  )
}
