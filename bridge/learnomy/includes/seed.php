<?php
/**
 * The people of the demo academy, made in bulk, and the academy itself, made by the backend.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Makes and removes the demo academy. Safe to run twice: only what is missing is made.
 */
final class Seed {

	const MARK        = 'lrn_demo_';
	const STUDENTS    = 100;
	const INSTRUCTORS = 10;
	const BATCH       = 500;
	const MOST_SCALE  = 1000;
	const PATIENCE_MS = 900000;

	const FIRST = array( 'Ada', 'Ben', 'Carla', 'Deniz', 'Elif', 'Femi', 'Grace', 'Hana', 'Ivo', 'Jun', 'Kofi', 'Lena', 'Mira', 'Noor' );
	const LAST  = array( 'Adler', 'Bauer', 'Costa', 'Duarte', 'Eriksen', 'Farouk', 'Garcia', 'Huang', 'Ito', 'Jansen', 'Kaya', 'Lopez' );

	/**
	 * Makes the academy: people here, courses in the backend.
	 *
	 * @param int    $scale    Multiplies for load tests.
	 * @param string $password Of the people made; '' for one that nobody knows.
	 * @return array|\WP_Error What stands now: courses, lessons, enrollments, students, instructors.
	 */
	public static function run( int $scale = 1, string $password = '' ) {
		$people = self::people( $scale, $password );
		$built  = self::call( 'seed', array_merge( $people, array( 'scale' => self::bounded( $scale ) ) ) );
		if ( is_wp_error( $built ) ) {
			return $built;
		}
		return array_merge(
			$built,
			array(
				'students'    => count( $people['students'] ),
				'instructors' => count( $people['instructors'] ),
			)
		);
	}

	/**
	 * Removes the academy and its people.
	 *
	 * @return array|\WP_Error How much went: courses, people.
	 */
	public static function remove() {
		$gone = self::call( 'unseed', array() );
		return is_wp_error( $gone ) ? $gone : array_merge( $gone, array( 'people' => self::remove_people() ) );
	}

	/**
	 * Answers the backend's signed call `seed_people`.
	 *
	 * @param array $payload scale, password; or remove.
	 * @return array
	 */
	public static function serve( array $payload ): array {
		if ( ! empty( $payload['remove'] ) ) {
			return array( 'removed' => self::remove_people() );
		}
		return self::people( (int) ( $payload['scale'] ?? 1 ), (string) ( $payload['password'] ?? '' ) );
	}

	/**
	 * The ids of the demo people, made where they are missing.
	 *
	 * @param int    $scale    Multiplies.
	 * @param string $password Password.
	 * @return array{students: int[], instructors: int[]}
	 */
	public static function people( int $scale, string $password ): array {
		set_time_limit( 0 );
		$scale  = self::bounded( $scale );
		$hashed = wp_hash_password( '' === $password ? wp_generate_password( 40 ) : $password );
		return array(
			'students'    => self::ensure( 'student', self::STUDENTS * $scale, 'lrn_student', $hashed ),
			'instructors' => self::ensure( 'instructor', self::INSTRUCTORS * min( $scale, 10 ), 'lrn_instructor', $hashed ),
		);
	}

	/**
	 * The ids of so many people of a kind.
	 *
	 * @param string $kind   student or instructor.
	 * @param int    $count  How many.
	 * @param string $role   Role.
	 * @param string $hashed Stored password.
	 * @return int[]
	 */
	private static function ensure( string $kind, int $count, string $role, string $hashed ): array {
		$ids = array();
		foreach ( array_chunk( range( 0, $count - 1 ), self::BATCH ) as $numbers ) {
			$logins = array();
			foreach ( $numbers as $number ) {
				$logins[ self::MARK . $kind . '_' . $number ] = $number;
			}
			$known   = self::known( array_keys( $logins ) );
			$missing = array_diff_key( $logins, $known );
			if ( $missing ) {
				self::insert( $missing, $role, $hashed );
				$known = self::known( array_keys( $logins ) );
			}
			foreach ( array_keys( $logins ) as $login ) {
				$ids[] = $known[ $login ];
			}
		}
		return $ids;
	}

	/**
	 * The ids of those who are there.
	 *
	 * @param string[] $logins Logins.
	 * @return array<string, int> By login.
	 */
	private static function known( array $logins ): array {
		global $wpdb;
		$marks = implode( ', ', array_fill( 0, count( $logins ), '%s' ) );
		$known = array();
		// phpcs:ignore WordPress.DB -- Prepared; core has no bulk reading by login.
		foreach ( (array) $wpdb->get_results( $wpdb->prepare( "SELECT ID, user_login FROM {$wpdb->users} WHERE user_login IN ($marks)", $logins ) ) as $row ) {
			$known[ $row->user_login ] = (int) $row->ID;
		}
		return $known;
	}

	/**
	 * Inserts people and what WordPress keeps of each, in two statements, and cleans their caches.
	 *
	 * @param array<string, int> $numbers Numbers by login.
	 * @param string             $role    Role.
	 * @param string             $hashed  Stored password.
	 */
	private static function insert( array $numbers, string $role, string $hashed ): void {
		global $wpdb;
		$values = array();
		$names  = array();
		foreach ( $numbers as $login => $number ) {
			$names[ $login ] = array( self::FIRST[ $number % count( self::FIRST ) ], self::LAST[ ( $number * 5 + intdiv( $number, count( self::FIRST ) ) ) % count( self::LAST ) ] );
			array_push( $values, $login, $hashed, str_replace( '_', '-', $login ), "$login@example.com", gmdate( 'Y-m-d H:i:s' ), implode( ' ', $names[ $login ] ) );
		}
		$rows = implode( ', ', array_fill( 0, count( $numbers ), '(%s, %s, %s, %s, %s, %s)' ) );
		// phpcs:ignore WordPress.DB -- Prepared; core has no bulk insertion.
		$wpdb->query( $wpdb->prepare( "INSERT INTO {$wpdb->users} (user_login, user_pass, user_nicename, user_email, user_registered, display_name) VALUES $rows", $values ) );
		$ids    = self::known( array_keys( $numbers ) );
		$values = array();
		foreach ( $ids as $login => $id ) {
			$meta = array(
				'nickname'                            => $login,
				'first_name'                          => $names[ $login ][0],
				'last_name'                           => $names[ $login ][1],
				$wpdb->get_blog_prefix() . 'capabilities' => maybe_serialize( array( $role => true ) ),
				$wpdb->get_blog_prefix() . 'user_level' => '0',
			);
			foreach ( $meta as $key => $value ) {
				array_push( $values, $id, $key, $value );
			}
		}
		$rows = implode( ', ', array_fill( 0, intdiv( count( $values ), 3 ), '(%d, %s, %s)' ) );
		// phpcs:ignore WordPress.DB -- Prepared; core has no bulk insertion.
		$wpdb->query( $wpdb->prepare( "INSERT INTO {$wpdb->usermeta} (user_id, meta_key, meta_value) VALUES $rows", $values ) );
		self::clean( array_values( $ids ) );
	}

	/**
	 * Removes the demo people; those who wrote posts by WordPress's own function, which sees to them.
	 *
	 * @return int How many.
	 */
	private static function remove_people(): int {
		global $wpdb;
		set_time_limit( 0 );
		require_once ABSPATH . 'wp-admin/includes/user.php';
		$gone = 0;
		do {
			// phpcs:ignore WordPress.DB -- Prepared; core has no bulk deletion.
			$ids = array_map( 'intval', (array) $wpdb->get_col( $wpdb->prepare( "SELECT ID FROM {$wpdb->users} WHERE user_login LIKE %s ORDER BY ID LIMIT %d", $wpdb->esc_like( self::MARK ) . '%', self::BATCH ) ) );
			if ( ! $ids ) {
				break;
			}
			$list = implode( ',', $ids );
			// phpcs:ignore WordPress.DB -- Integers.
			$authors = array_map( 'intval', (array) $wpdb->get_col( "SELECT DISTINCT post_author FROM {$wpdb->posts} WHERE post_author IN ($list)" ) );
			array_map( 'wp_delete_user', $authors );
			cache_users( $ids );
			// phpcs:disable WordPress.DB -- Integers.
			$wpdb->query( "DELETE FROM {$wpdb->usermeta} WHERE user_id IN ($list)" );
			$wpdb->query( "DELETE FROM {$wpdb->users} WHERE ID IN ($list)" );
			// phpcs:enable
			self::clean( $ids );
			$gone += count( $ids );
		} while ( count( $ids ) === self::BATCH );
		return $gone;
	}

	/**
	 * Cleans what caches hold of people.
	 *
	 * @param int[] $ids User ids.
	 */
	private static function clean( array $ids ): void {
		cache_users( $ids );
		foreach ( $ids as $id ) {
			clean_user_cache( $id );
		}
		wp_cache_delete( 'user_count', 'default' );
		if ( function_exists( 'wp_maybe_update_user_counts' ) ) {
			wp_maybe_update_user_counts();
		}
	}

	/**
	 * A scale within bounds.
	 *
	 * @param int $scale Scale.
	 * @return int
	 */
	private static function bounded( int $scale ): int {
		return max( 1, min( self::MOST_SCALE, $scale ) );
	}

	/**
	 * Calls the backend, with the time that much work takes.
	 *
	 * @param string $verb    Verb.
	 * @param array  $payload Payload.
	 * @return array|\WP_Error
	 */
	private static function call( string $verb, array $payload ) {
		return Channel::call(
			$verb,
			$payload,
			array(
				'class'    => 'upload',
				'until_ms' => Channel::now_ms() + self::PATIENCE_MS,
			)
		);
	}
}
