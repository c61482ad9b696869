<?php
/**
 * The addresses of the site's pages: names, paths and base slugs.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Page routes by name. In a path, `%name%` is a base slug that the owner may change, `{name}` an argument.
 */
final class Page_Routes {

	const BASES = array(
		'courses'           => 'courses',
		'quiz'              => 'quiz',
		'account'           => 'account',
		'become_instructor' => 'become-instructor',
		'instructor'        => 'instructor',
		'instructors'       => 'instructors',
		'membership'        => 'membership',
		'checkout'          => 'checkout',
		'certificate'       => 'certificate',
		'login'             => 'login',
		'register'          => 'register',
	);

	const PATHS = array(
		'catalog'                    => '%courses%',
		'category'                   => '%courses%/category/{slug}',
		'course'                     => '%courses%/{slug}',
		'lesson'                     => '%courses%/{course}/{lesson}',
		'quiz'                       => '%quiz%/{slug}',
		'student-dashboard'          => '%account%',
		'account-courses'            => '%account%/courses',
		'account-quiz-results'       => '%account%/quiz-results',
		'account-certificates'       => '%account%/certificates',
		'account-billing'            => '%account%/billing',
		'account-details'            => '%account%/details',
		'account-membership'         => '%account%/membership',
		'account-notifications'      => '%account%/notifications',
		'account-instructor-profile' => '%account%/instructor-profile',
		'unsubscribe'                => '%account%/unsubscribe',
		'become-instructor'          => '%become_instructor%',
		'instructor-dashboard'       => '%instructor%',
		'course-editor'              => '%instructor%/courses/{id}',
		'instructor'                 => '%instructors%/{slug}',
		'membership-pricing'         => '%membership%',
		'checkout'                   => '%checkout%',
		'certificate-verify'         => '%certificate%/{uuid}',
		'login'                      => '%login%',
		'register'                   => '%register%',
	);

	/**
	 * Routes that this version shows as pages of the site.
	 */
	const SHOWN = array( 'catalog', 'category', 'course' );

	/**
	 * Slugs that are no course's, because the addresses stand for something else.
	 */
	const RESERVED = array( 'category', 'page', 'feed', 'embed' );

	/**
	 * The base slugs in force.
	 *
	 * @return array<string, string>
	 */
	public static function bases(): array {
		$settings = get_option( 'learnomy_settings' );
		$chosen   = is_array( $settings ) && isset( $settings['slugs'] ) && is_array( $settings['slugs'] ) ? $settings['slugs'] : array();
		$bases    = self::BASES;
		foreach ( $bases as $name => $slug ) {
			if ( isset( $chosen[ $name ] ) && is_string( $chosen[ $name ] ) && '' !== trim( $chosen[ $name ], '/ ' ) ) {
				$bases[ $name ] = trim( $chosen[ $name ], '/ ' );
			}
		}
		return $bases;
	}

	/**
	 * Chooses base slugs that no published page has, when the plugin is activated for the first time.
	 */
	public static function pick_free(): void {
		$settings = get_option( 'learnomy_settings' );
		$settings = is_array( $settings ) ? $settings : array();
		if ( isset( $settings['slugs'] ) ) {
			return;
		}
		$slugs = array();
		foreach ( self::BASES as $name => $slug ) {
			foreach ( array( $slug, "academy-$slug", "learnomy-$slug" ) as $candidate ) {
				$slugs[ $name ] = $candidate;
				$page           = get_page_by_path( $candidate );
				if ( ! $page instanceof \WP_Post || 'publish' !== $page->post_status ) {
					break;
				}
			}
		}
		if ( self::BASES !== $slugs ) {
			update_option( 'learnomy_settings', array( 'slugs' => $slugs ) + $settings, true );
		}
	}

	/**
	 * A route's path with its base slugs, arguments still in braces.
	 *
	 * @param string $name Route name.
	 * @return string Empty for an unknown name.
	 */
	public static function path( string $name ): string {
		if ( ! isset( self::PATHS[ $name ] ) ) {
			return '';
		}
		$replace = array();
		foreach ( self::bases() as $base => $slug ) {
			$replace[ "%$base%" ] = $slug;
		}
		return strtr( self::PATHS[ $name ], $replace );
	}

	/**
	 * The names of a route's arguments.
	 *
	 * @param string $name Route name.
	 * @return string[]
	 */
	public static function arguments( string $name ): array {
		preg_match_all( '/\{(\w+)\}/', self::PATHS[ $name ] ?? '', $found );
		return $found[1];
	}

	/**
	 * The address of a page.
	 *
	 * @param string $name Route name.
	 * @param array  $args Arguments by name.
	 * @return string Empty for an unknown name or a missing argument.
	 */
	public static function url( string $name, array $args ): string {
		$path = self::path( $name );
		if ( '' === $path ) {
			return '';
		}
		if ( 'lesson' === $name && isset( $args['id'] ) && ! isset( $args['lesson'] ) ) {
			$args = self::slugs_of_lesson( (int) $args['id'] );
		}
		$values = array();
		foreach ( self::arguments( $name ) as $argument ) {
			$value = self::value( $argument, $args[ $argument ] ?? null );
			if ( '' === $value ) {
				return '';
			}
			$values[ $argument ] = $value;
		}
		$structure = (string) get_option( 'permalink_structure' );
		if ( '' === $structure ) {
			$query = array( 'learnomy_route' => $name );
			foreach ( $values as $argument => $value ) {
				$query[ "learnomy_$argument" ] = $value;
			}
			return home_url( '/?' . build_query( $query ) );
		}
		foreach ( $values as $argument => $value ) {
			$path = str_replace( "{{$argument}}", $value, $path );
		}
		$root = 0 === strpos( $structure, '/index.php/' ) ? 'index.php/' : '';
		return home_url( '/' . $root . $path . ( '/' === substr( $structure, -1 ) ? '/' : '' ) );
	}

	/**
	 * An argument as it stands in an address.
	 *
	 * @param string $argument Name.
	 * @param mixed  $value    Value.
	 * @return string Empty where it cannot be one.
	 */
	private static function value( string $argument, $value ): string {
		if ( ! is_scalar( $value ) || is_bool( $value ) ) {
			return '';
		}
		$value = trim( (string) $value );
		switch ( $argument ) {
			case 'id':
				return ctype_digit( $value ) && (int) $value > 0 ? (string) (int) $value : '';
			case 'uuid':
				return 1 === preg_match( '/^[0-9a-fA-F-]{36}$/', $value ) ? strtolower( $value ) : '';
			default:
				return 1 === preg_match( '/^[\w%-]+$/', $value ) ? $value : rawurlencode( $value );
		}
	}

	/**
	 * The slugs in a lesson's address.
	 *
	 * @param int $id Lesson id.
	 * @return array{course?: string, lesson?: string}
	 */
	private static function slugs_of_lesson( int $id ): array {
		global $wpdb;
		static $known = array();
		$key          = get_current_blog_id() . ':' . $id;
		if ( ! isset( $known[ $key ] ) ) {
			// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- Our tables; kept for the request.
			$row           = $wpdb->get_row( $wpdb->prepare( "SELECT c.slug AS course, l.slug AS lesson FROM {$wpdb->prefix}lrn_lessons l JOIN {$wpdb->prefix}lrn_courses c ON c.id = l.course_id WHERE l.id = %d", $id ), ARRAY_A );
			$known[ $key ] = is_array( $row ) ? $row : array();
		}
		return $known[ $key ];
	}
}
