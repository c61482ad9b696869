<?php
/**
 * What was last rendered for guests: served while it is fresh, and when the backend is away.
 *
 * Kept in lrn_expiring_keys, which the backend sweeps. Only what the backend called public is kept, and only from
 * guests' pages. By default an entry only stands in for a backend that does not answer, so a page is never older than
 * what it shows; where the owner defined LEARNOMY_FRAGMENT_SECONDS (60 at most), an entry is also served for so long,
 * while none of its tags was touched by WordPress.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Fragments of one address.
 */
final class Fragment_Cache {

	const SCOPE        = 'fragment';
	const KEEP_SECONDS = 172800;
	const REWRITE      = 3600;
	const MOST_FRESH   = 60;
	const MOST_BYTES   = 262144;
	const TOUCHED      = 'learnomy_touched_tags';

	/**
	 * Entries to write as the request ends.
	 *
	 * @var array<string, array>
	 */
	private static $to_write = array();

	/**
	 * What the entries of this address depend on besides their items.
	 *
	 * @var string
	 */
	private $context;

	/**
	 * Whether pages of this address are kept at all.
	 *
	 * @var bool
	 */
	private $is_kept;

	/**
	 * Opens the fragments of an address.
	 *
	 * @param string $address Path and the parameters that matter.
	 */
	public function __construct( string $address ) {
		wp_parse_str( (string) wp_parse_url( $address, PHP_URL_QUERY ), $query );
		// Searches and places in a list are without end.
		$this->is_kept = ! array_diff( array_keys( $query ), array( 'category', 'tag', 'learnomy_tag', 'level', 'price', 'sort', 'learnomy_route', 'learnomy_slug' ) );
		$this->context = (string) wp_json_encode( array( $address, determine_locale(), get_stylesheet(), LEARNOMY_BACKEND_VERSION ) );
	}

	/**
	 * Entries that may be shown without asking the backend.
	 *
	 * @param string[] $keys Item keys.
	 * @return array<string, array> By item key.
	 */
	public function fresh( array $keys ): array {
		if ( is_user_logged_in() || ! $this->is_kept || 0 === self::fresh_seconds( self::MOST_FRESH ) ) {
			return array();
		}
		$fresh = array_filter(
			$this->read( $keys ),
			static function ( array $entry ): bool {
				return (float) ( $entry['fresh_until'] ?? 0 ) > microtime( true );
			}
		);
		if ( ! $fresh ) {
			return array();
		}
		$touched = (array) get_transient( self::TOUCHED );
		return array_filter(
			$fresh,
			static function ( array $entry ) use ( $touched ): bool {
				foreach ( array_merge( array( '*' ), (array) $entry['tags'] ) as $tag ) {
					if ( is_scalar( $tag ) && ( $touched[ $tag ] ?? 0 ) >= $entry['made'] ) {
						return false;
					}
				}
				return true;
			}
		);
	}

	/**
	 * Entries however old.
	 *
	 * @param string[] $keys Item keys.
	 * @return array<string, array> By item key.
	 */
	public function last( array $keys ): array {
		return $this->read( $keys );
	}

	/**
	 * Keeps an entry, once the answer is sent.
	 *
	 * @param string $key   Item key.
	 * @param array  $entry What was rendered.
	 */
	public function remember( string $key, array $entry ): void {
		if ( ! $this->is_kept || is_user_logged_in() || $entry['personal'] || 200 !== (int) $entry['status'] || strlen( (string) $entry['html'] ) > self::MOST_BYTES ) {
			return;
		}
		$entry['made']        = microtime( true );
		$entry['fresh_until'] = $entry['made'] + self::fresh_seconds( (int) ( $entry['seconds'] ?? 0 ) );
		if ( ! self::$to_write ) {
			add_action( 'shutdown', array( self::class, 'write' ) );
		}
		self::$to_write[ $this->name( $key ) ] = $entry;
	}

	/**
	 * For how long an entry is served without asking.
	 *
	 * @param int $seconds What the backend allows.
	 * @return int
	 */
	private static function fresh_seconds( int $seconds ): int {
		$chosen = defined( 'LEARNOMY_FRAGMENT_SECONDS' ) ? (int) constant( 'LEARNOMY_FRAGMENT_SECONDS' ) : 0;
		return max( 0, min( self::MOST_FRESH, $chosen, $seconds ) );
	}

	/**
	 * Ends the freshness of every entry with one of the tags; `*` is on all.
	 *
	 * @param string[] $tags Tags.
	 */
	public static function touch( array $tags ): void {
		if ( 0 === self::fresh_seconds( self::MOST_FRESH ) ) {
			return;
		}
		$now     = microtime( true );
		$touched = get_transient( self::TOUCHED );
		$touched = array_filter(
			is_array( $touched ) ? $touched : array(),
			static function ( $at ) use ( $now ): bool {
				return is_numeric( $at ) && $at > $now - self::MOST_FRESH - 1;
			}
		);
		foreach ( $tags as $tag ) {
			$touched[ $tag ] = $now;
		}
		set_transient( self::TOUCHED, array_slice( $touched, -500, null, true ), 2 * self::MOST_FRESH );
	}

	/**
	 * Writes what this request rendered, unless the same was written within the last hour.
	 */
	public static function write(): void {
		global $wpdb;
		$entries        = self::$to_write;
		self::$to_write = array();
		$table          = $wpdb->prefix . 'lrn_expiring_keys';
		$suppressed     = $wpdb->suppress_errors( true );
		$marks          = implode( ', ', array_fill( 0, count( $entries ), '%s' ) );
		// phpcs:disable WordPress.DB -- Our table; prepared right here.
		$kept = (array) $wpdb->get_results( $wpdb->prepare( "SELECT key_hash, counter FROM $table WHERE scope = %s AND key_hash IN ($marks) AND expires_at > DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %d SECOND)", array_merge( array( self::SCOPE ), array_keys( $entries ), array( self::KEEP_SECONDS - self::REWRITE ) ) ), OBJECT_K );
		foreach ( $entries as $name => $entry ) {
			// The token of a render is a new one each time.
			$print = crc32( str_replace( (string) $entry['token'], '', (string) $entry['html'] ) . wp_json_encode( array( $entry['head'] ?? null, $entry['slots'] ) ) );
			if ( $entry['fresh_until'] <= $entry['made'] && isset( $kept[ $name ] ) && (int) $kept[ $name ]->counter === $print ) {
				continue;
			}
			$wpdb->query( $wpdb->prepare( "INSERT INTO $table (scope, key_hash, value, counter, expires_at) VALUES (%s, %s, %s, %d, DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %d SECOND)) ON DUPLICATE KEY UPDATE value = VALUES(value), counter = VALUES(counter), expires_at = VALUES(expires_at)", self::SCOPE, $name, wp_json_encode( $entry ), $print, self::KEEP_SECONDS ) );
		}
		// phpcs:enable
		$wpdb->suppress_errors( $suppressed );
	}

	/**
	 * Reads entries, in one query.
	 *
	 * @param string[] $keys Item keys.
	 * @return array<string, array> By item key.
	 */
	private function read( array $keys ): array {
		global $wpdb;
		if ( ! $this->is_kept || ! $keys ) {
			return array();
		}
		$names      = array_combine( array_map( array( $this, 'name' ), $keys ), $keys );
		$marks      = implode( ', ', array_fill( 0, count( $names ), '%s' ) );
		$suppressed = $wpdb->suppress_errors( true );
		// phpcs:ignore WordPress.DB -- Our table; prepared right here.
		$rows = (array) $wpdb->get_results( $wpdb->prepare( "SELECT key_hash, value FROM {$wpdb->prefix}lrn_expiring_keys WHERE scope = %s AND key_hash IN ($marks) AND expires_at > UTC_TIMESTAMP(6)", array_merge( array( self::SCOPE ), array_keys( $names ) ) ) );
		$wpdb->suppress_errors( $suppressed );
		$found = array();
		foreach ( $rows as $row ) {
			$entry = json_decode( (string) $row->value, true );
			if ( is_array( $entry ) && isset( $entry['html'], $names[ $row->key_hash ] ) ) {
				$found[ $names[ $row->key_hash ] ] = array_merge( Rendering::NOTHING, $entry );
			}
		}
		return $found;
	}

	/**
	 * The name an entry is kept under.
	 *
	 * @param string $key Item key.
	 * @return string
	 */
	private function name( string $key ): string {
		return hash( 'sha256', $key . $this->context );
	}
}
