<?php
/**
 * The rows of the outbox: every change of their state that PHP makes.
 *
 * A row goes pending, claimed, firing, done (or skipped). Each change is one conditional UPDATE that commits at
 * once; whoever sees one affected row owns the row until its lease ends.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The outbox table of one blog.
 */
final class Outbox {

	/**
	 * Table name.
	 *
	 * @var string
	 */
	private $table;

	/**
	 * Connection.
	 *
	 * @var \wpdb
	 */
	private $db;

	/**
	 * Opens the outbox of the current blog.
	 */
	public function __construct() {
		$this->table = self::table();
		$this->db    = Outbox_Connection::get();
	}

	/**
	 * Table name for the current blog.
	 *
	 * @return string
	 */
	public static function table(): string {
		global $wpdb;
		return $wpdb->prefix . 'lrn_outbox';
	}

	/**
	 * Seconds a claim lasts.
	 *
	 * @return int
	 */
	public static function lease(): int {
		$seconds = defined( 'LEARNOMY_LEASE_SECONDS' ) ? constant( 'LEARNOMY_LEASE_SECONDS' ) : getenv( 'LEARNOMY_LEASE_SECONDS' );
		return is_numeric( $seconds ) && $seconds > 0 ? (int) $seconds : 60;
	}

	/**
	 * Ids of the oldest rows that anyone may claim: one indexed read on WordPress's own connection.
	 *
	 * @param int $limit How many at most.
	 * @return int[]
	 */
	public static function open_ids( int $limit ): array {
		global $wpdb;
		$suppressed = $wpdb->suppress_errors( true );
		// phpcs:ignore WordPress.DB -- The table is ours; the answer must be fresh.
		$ids = $wpdb->get_col(
			$wpdb->prepare(
				'SELECT id FROM ' . self::table() . " WHERE state = 'pending' OR (state IN ('claimed', 'firing') AND claimed_until < UTC_TIMESTAMP(6)) ORDER BY id LIMIT %d",
				$limit
			)
		);
		$wpdb->suppress_errors( $suppressed );
		return array_map( 'intval', (array) $ids );
	}

	/**
	 * Ids of the open rows of one aggregate: the first of them is due once the rows before it are done.
	 *
	 * @param string $aggregate Aggregate.
	 * @return int The first, or 0.
	 */
	public function next_of( string $aggregate ): int {
		// phpcs:ignore WordPress.DB -- Prepared; the table is ours.
		return (int) $this->db->get_var( $this->db->prepare( "SELECT MIN(id) FROM {$this->table} WHERE aggregate = %s AND state IN ('pending', 'claimed', 'firing')", $aggregate ) );
	}

	/**
	 * Claims a row, unless another holds it or an earlier row of its aggregate is open.
	 *
	 * The earlier rows are read without locks, so that a transaction which has just written some other row holds nobody
	 * up. That is enough: within an aggregate, ids follow the order of commits, so no earlier row can appear later.
	 *
	 * @param int    $id    Row.
	 * @param string $token Token of the claimer.
	 * @return bool
	 */
	public function claim( int $id, string $token ): bool {
		// phpcs:disable WordPress.DB -- Prepared; the table is ours.
		$waits = $this->db->get_var(
			$this->db->prepare(
				"SELECT 1 FROM {$this->table} o JOIN {$this->table} e ON e.aggregate = o.aggregate AND e.id < o.id
				WHERE o.id = %d AND e.state IN ('pending', 'claimed', 'firing') LIMIT 1",
				$id
			)
		);
		// phpcs:enable
		return null === $waits && '' === $this->db->last_error && 1 === $this->change(
			"UPDATE {$this->table} SET attempts = attempts + 1, state = 'claimed', claim_token = %s,
				claimed_until = DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %d SECOND)
			WHERE id = %d AND (state = 'pending' OR (state IN ('claimed', 'firing') AND claimed_until < UTC_TIMESTAMP(6)))",
			array( $token, self::lease(), $id )
		);
	}

	/**
	 * The claimed rows of a token, in order.
	 *
	 * @param string $token Claim token.
	 * @return array[]
	 */
	public function claimed( string $token ): array {
		// phpcs:ignore WordPress.DB -- Prepared; the table is ours.
		$sql = $this->db->prepare( "SELECT id, aggregate, event, kind, hook, args, payload, actor_id, claim_token, cursor_position, note FROM {$this->table} WHERE claim_token = %s AND state = 'claimed' ORDER BY id", $token );
		return (array) $this->db->get_results( $sql, ARRAY_A ); // phpcs:ignore WordPress.DB
	}

	/**
	 * Begins to fire a claimed row.
	 *
	 * @param int    $id    Row.
	 * @param string $token Claim token.
	 * @return bool False when the claim is no longer ours.
	 */
	public function begin( int $id, string $token ): bool {
		return 1 === $this->change(
			"UPDATE {$this->table} SET state = 'firing', claimed_until = DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %d SECOND)
			WHERE id = %d AND claim_token = %s AND state = 'claimed'",
			array( self::lease(), $id, $token )
		);
	}

	/**
	 * Writes the cursor before a listener runs, and renews the lease.
	 *
	 * @param int    $id     Row.
	 * @param string $token  Claim token.
	 * @param int    $cursor Index of the listener.
	 * @param string $note   What happened so far, and who runs now.
	 * @return bool False when the claim is no longer ours.
	 */
	public function step( int $id, string $token, int $cursor, string $note ): bool {
		return 1 === $this->change(
			"UPDATE {$this->table} SET cursor_position = %d, note = NULLIF(%s, ''), claimed_until = DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %d SECOND)
			WHERE id = %d AND claim_token = %s AND state = 'firing'",
			array( $cursor, $note, self::lease(), $id, $token )
		);
	}

	/**
	 * Ends a row.
	 *
	 * @param int    $id    Row.
	 * @param string $token Claim token.
	 * @param string $state State: done or skipped.
	 * @param string $note  What happened on the way.
	 * @return bool
	 */
	public function finish( int $id, string $token, string $state, string $note ): bool {
		return 1 === $this->change(
			"UPDATE {$this->table} SET state = %s, done_at = UTC_TIMESTAMP(6), note = NULLIF(%s, '')
			WHERE id = %d AND claim_token = %s AND state = 'firing'",
			array( $state, $note, $id, $token )
		);
	}

	/**
	 * Gives a row back, to go on with a later listener. That is no attempt: nothing will be repeated.
	 *
	 * @param int    $id     Row.
	 * @param string $token  Claim token.
	 * @param int    $cursor Next listener.
	 * @param string $note   What happened on the way.
	 * @return bool
	 */
	public function release( int $id, string $token, int $cursor, string $note ): bool {
		return 1 === $this->change(
			"UPDATE {$this->table} SET cursor_position = %d, attempts = GREATEST(attempts, 1) - 1, state = 'pending', claim_token = NULL, claimed_until = NULL, note = NULLIF(%s, '')
			WHERE id = %d AND claim_token = %s AND state IN ('claimed', 'firing')",
			array( $cursor, $note, $id, $token )
		);
	}

	/**
	 * Runs one UPDATE.
	 *
	 * @param string $sql    Statement with placeholders.
	 * @param array  $values Values.
	 * @return int Rows changed.
	 */
	private function change( string $sql, array $values ): int {
		return (int) $this->db->query( $this->db->prepare( $sql, $values ) ); // phpcs:ignore WordPress.DB -- Prepared right here.
	}
}
